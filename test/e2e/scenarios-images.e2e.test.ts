import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { e2e, freePort, type Project } from '../helpers/e2e.ts';
import { imageId, withBase } from '../helpers/e2e-images.ts';

// What Compose's own end-to-end suite shows of images that are pulled and committed; docs/scenarios.md has its table.

const NEEDS = { needs: ['docker-registry'] };
const OTHER = process.arch === 'x64' ? 'arm64' : 'amd64';
const OWN = process.arch === 'x64' ? 'amd64' : 'arm64';

/** With a registry that has the base image under these names, which the store has not: only its name comes when it is pulled. */
function withRegistry(
  project: Project,
  names: readonly string[],
  body: (images: readonly string[], host: string) => Promise<void>,
): Promise<void> {
  return withBase(project, async (base) => {
    const registry = await startDockerRegistry(join(project.scratch, 'registry'));
    const full = names.map((name) => `${registry.host}/${name}`);
    try {
      for (const name of full) {
        await project.expect(0, 'image', 'tag', base, name);
        await project.expect(0, 'image', 'push', name);
        await project.expect(0, 'image', 'rm', name);
      }
      await body(full, registry.host);
    } finally {
      await registry.stop();
    }
  });
}

e2e(
  'TestComposePull, TestPullFailure, TestPullIgnoreFailures: pull asks for every image, fails, or says what to build',
  (project) =>
    withRegistry(project, ['simple:1', 'another:1'], async ([simple = '', another = ''], host) => {
      const stack = (more = '') =>
        project.write(`services:\n  simple: {image: "${simple}"}\n  another: {image: "${another}"}\n${more}`);
      stack();
      for (const time of ['first', 'second']) {
        const pulled = await project.tsstack(['pull']);
        assert.equal(pulled.status, 0, pulled.stderr);
        for (const name of [simple, another]) assert.ok(pulled.stderr.includes(`${name} is up to date`), time);
      }
      stack(`  fail: {image: "${host}/none:1"}\n`);
      const failed = await project.tsstack(['pull']);
      assert.equal(failed.status, 1);
      assert.match(failed.stderr, /^error: .*127\.0\.0\.1:\d+\/none/m);
      stack(`  fail: {image: "${host}/none:1"}\n  can_build: {image: "${host}/built:1", build: .}\n`);
      const ignored = await project.tsstack(['pull', '--ignore-pull-failures']);
      assert.equal(ignored.status, 0, ignored.stderr);
      assert.match(ignored.stderr, /^! Cannot pull \S+\/none:1: /m);
      assert.match(ignored.stderr, /^! Cannot pull \S+\/built:1, it can be built with: tsstack build: /m);
      assert.ok(ignored.stderr.includes(`${simple} is up to date`), ignored.stderr);
    }),
  NEEDS,
);

e2e(
  'TestComposeRunPullAlways, TestPullRefreshWindowExplicitPull: a pull that is asked for is done, whatever the policy',
  (project) =>
    withRegistry(project, ['backend:1'], async ([name = '']) => {
      project.write(`services: {backend: {image: "${name}", pull_policy: daily, command: [echo, ran]}}\n`);
      const run = (...options: readonly string[]) => project.tsstack(['run', '--rm', '-T', ...options, 'backend']);
      const first = await run();
      assert.ok(first.stderr.includes(`${name} is up to date`), first.stderr);
      const fresh = await run();
      assert.equal(fresh.stdout, 'ran\n');
      assert.doesNotMatch(fresh.stderr, /backend:1 (pulled|is up to date)/);
      const always = await run('--pull', 'always');
      assert.equal(always.stdout, 'ran\n', always.stderr);
      assert.ok(always.stderr.includes(`${name} is up to date`), always.stderr);
      const asked = await project.tsstack(['pull']);
      assert.ok(asked.stderr.includes(`${name} is up to date`), asked.stderr);
    }),
  NEEDS,
);

e2e(
  'TestUpDryRunMissingImage, TestUpIdempotentContainerdStore, TestUpImageID: nothing pulled; pulled once; by its id',
  (project) =>
    withRegistry(project, [], async (_, host) => {
      const name = `${host}/multi:1`;
      // An index of two platforms, whose files need no program.
      project.write(`services:
  app:
    image: "${name}"
    build: {dockerfile_inline: "FROM ${project.name}/base:1\\nLABEL of=test\\n", platforms: [linux/${OWN}]}
  data:
    image: "${host}/data:1"
    build: {dockerfile_inline: "FROM scratch\\nCOPY stack.yaml /\\n", platforms: [linux/${OWN}, linux/${OTHER}]}
`);
      await project.expect(0, 'build', '--push');
      await project.expect(0, 'image', 'rm', name, `${host}/data:1`);
      project.write(`services:
  app:
    image: "${name}"
    stop_signal: KILL
    volumes: [{type: image, source: "${host}/data:1", target: /data}]
`);
      const dry = await project.tsstack(['--dry-run', 'up', '-d']);
      assert.equal(dry.status, 0, dry.stderr);
      assert.match(dry.stdout, /is pulled first/);
      assert.equal(await imageId(project, name), undefined);

      await project.expect(0, 'up', '-d');
      const { pid } = await project.container('app');
      const again = await project.tsstack(['up', '-d']);
      assert.doesNotMatch(again.stderr, /pulled|replaced|removed/);
      assert.equal((await project.container('app')).pid, pid);
      assert.match(await project.expect(0, 'exec', '-T', 'app', 'cat', '/data/stack.yaml'), /scratch/);

      const id = (await imageId(project, name)) ?? '';
      await project.expect(0, 'down', '-t', '0');
      project.write('services: {test: {image: "${ID:?ID variable must be set}", stop_signal: KILL}}\n');
      const byId = await project.tsstack(['up', '-d'], { env: { ID: id } });
      assert.equal(byId.status, 0, byId.stderr);
      assert.equal((await project.tsstack(['ps', '-q'], { env: { ID: id } })).stdout.trim().split('\n').length, 1);
      const unset = await project.tsstack(['up', '-d']);
      assert.equal(unset.status, 2);
      assert.match(unset.stderr, /ID variable must be set/);
      assert.equal((await project.tsstack(['down', '-t', '0'], { env: { ID: id } })).status, 0);
    }),
  NEEDS,
);

e2e(
  'TestCreateLocalMultiPlatformImage: what the store has for the platform is used, and nothing is pulled',
  (project) =>
    withBase(project, async (base) => {
      // Nobody listens there.
      const name = `127.0.0.1:${await freePort()}/multi:1`;
      project.write(`services:
  repro:
    image: "${name}"
    build: {dockerfile_inline: "FROM scratch\\nARG TARGETARCH\\nCOPY stack.yaml /for-$$TARGETARCH\\n", platforms: [linux/${OWN}, linux/${OTHER}]}
`);
      const built = await project.tsstack(['build']);
      assert.equal(built.status, 0, built.stderr);
      const stack = (platform: string) =>
        project.write(`services:
  repro: {image: "${name}", platform: linux/${platform}, command: [/none]}
  seen: {image: "${base}", command: [ls, /data], volumes: [{type: image, source: "${name}", target: /data}]}
`);
      stack(OWN);
      const created = await project.tsstack(['create']);
      assert.equal(created.status, 0, created.stderr);
      assert.doesNotMatch(created.stderr, /pull/i);
      assert.equal((await project.tsstack(['create'])).stdout, '');
      await project.expect(0, 'plan');
      await project.expect(0, 'up', '-d', 'seen');
      await project.exited('seen');
      assert.match(await project.logs('seen'), new RegExp(`^for-${OWN}$`, 'm'));
    }),
);

e2e('TestCommit, TestCommitWithReplicas: an image of a container, and of the replica that is named', (project) =>
  withBase(project, async (base) => {
    project.write(`services: {app: {image: "${base}", scale: 2, stop_signal: KILL}}\n`);
    await project.expect(0, 'up', '-d');
    const made = (index: string) => `${project.name}/committed:${index}`;
    for (const index of ['1', '2']) {
      await project.expect(0, 'exec', '-T', '--index', index, 'app', 'sh', '-c', `echo ${index} > /which`);
      await project.expect(0, 'commit', '--index', index, '-a', 'Ann', '-m', 'why', 'app', made(index));
    }
    assert.notEqual(await imageId(project, made('1')), await imageId(project, made('2')));
    project.write(`services: {app: {image: "${made('2')}", stop_signal: KILL}}\n`);
    await project.expect(0, 'up', '-d');
    assert.equal(await project.expect(0, 'exec', '-T', 'app', 'cat', '/which'), '2\n');
  }),
);
