import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { begin } from '../helpers/begin.ts';
import { e2e, freePort, type Project } from '../helpers/e2e.ts';
import { imageId, images, withBase } from '../helpers/e2e-images.ts';
import { until } from '../helpers/run.ts';
import { watching } from '../helpers/watching.ts';

function inside(project: Project, path: string): Promise<string> {
  return project.expect(0, 'exec', '-T', 'app', 'cat', path);
}

e2e('watch: action rebuild builds and replaces when a file of the rule changes, and only then', (project) =>
  withBase(project, async (base) => {
    mkdirSync(join(project.scratch, 'src'));
    writeFileSync(join(project.scratch, 'src/word'), 'one');
    project.write('x', 'notes');
    project.write(`FROM ${base}\nCOPY src /src\nRUN cat /src/word > /made\n`, 'Dockerfile');
    project.write(`services:
  app:
    build: .
    stop_signal: KILL
    develop: {watch: [{action: rebuild, path: ./src, ignore: ["*.tmp"]}]}
  steady: {image: "${base}", stop_signal: KILL}
`);
    const output = await watching(project, async ({ said }) => {
      const [app, steady] = [await project.container('app'), await project.container('steady')];
      assert.equal(await inside(project, '/made'), 'one');
      project.write('y', 'notes');
      writeFileSync(join(project.scratch, 'src/a.tmp'), 'x');
      writeFileSync(join(project.scratch, 'src/word'), 'two');
      await until('the new container', async () => {
        const now = await project.container('app');
        return now.status === 'running' && now.pid !== undefined && now.pid !== app.pid;
      });
      assert.equal(await inside(project, '/made'), 'two');
      assert.equal((await project.container('steady')).pid, steady.pid);

      // A build that fails is told, and what runs goes on.
      const { pid } = await project.container('app');
      project.write(`FROM ${base}\nCOPY src /src\nRUN grep -q good /src/word && cat /src/word > /made\n`, 'Dockerfile');
      writeFileSync(join(project.scratch, 'src/word'), 'bad');
      await said(/grep -q good .* ended with exit status 1/);
      assert.equal((await project.container('app')).pid, pid);
      writeFileSync(join(project.scratch, 'src/word'), 'good');
      await until(
        'the mended one',
        async () => (await project.tsstack(['exec', '-T', 'app', 'cat', '/made'])).stdout === 'good',
      );
    });
    assert.equal([...output.matchAll(/app: building/g)].length, 3, output);
  }),
);

e2e(
  'build --shell-on-failure opens a shell in the failed state, ends with 1 and leaves nothing',
  (project) =>
    withBase(project, async (base) => {
      project.write(
        `FROM ${base}
RUN echo 'app:x:1000:1000::/:/bin/sh' > /etc/passwd && mkdir -m 777 /work
ENV STAGE=broken
WORKDIR /work
USER app
RUN echo half > half && false
`,
        'Dockerfile',
      );
      project.write('services: {app: {build: .}}\n');
      const before = await images(project);
      const session = begin(project, ['build', '--shell-on-failure'], { terminal: true });
      await until('the shell', () => /its end removes it/.test(session.shown()));
      session.child.stdin?.write('echo "seen: $(cat half) $STAGE $(pwd) $(id -u)"; exit 7\r');
      assert.equal(await session.status, 1, session.shown());
      assert.match(session.shown(), /seen: half broken \/work 1000/);
      assert.match(session.shown(), /Dockerfile:6/);
      assert.deepEqual(await images(project), before);
      assert.doesNotMatch(await project.expect(0, 'ls', '-a'), /failed-build/);

      const piped = await project.tsstack(['build', '--shell-on-failure']);
      assert.equal(piped.status, 1);
      assert.match(piped.stderr, /exit status 1/);
      assert.doesNotMatch(piped.stderr, /A shell in/);
      assert.deepEqual(await images(project), before);
    }),
  { needs: ['script'] },
);

e2e('an image that cannot be pulled is built, with a warning; without a build that is an error', (project) =>
  withBase(project, async (base) => {
    const name = `127.0.0.1:${await freePort()}/${project.name}:1`;
    const stack = (more: string) => project.write(`services: {app: {image: "${name}", stop_signal: KILL${more}}}\n`);
    const build = `, build: {dockerfile_inline: "FROM ${base}\\nRUN echo made > /made\\n"}`;
    stack('');
    const refused = await project.tsstack(['up', '-d']);
    assert.equal(refused.status, 1);
    stack(build);
    assert.match(await project.expect(0, 'plan'), /1 to pull/);
    const unbuilt = await project.tsstack(['up', '-d', '--no-build']);
    assert.equal(unbuilt.status, 1);
    const brought = await project.tsstack(['up', '-d']);
    assert.equal(brought.status, 0, brought.stderr);
    assert.match(brought.stderr, /^! Cannot pull 127\.0\.0\.1:\d+\/.*:1, it is built: Registry .*ECONNREFUSED/m);
    assert.equal(await inside(project, '/made'), 'made\n');
    assert.notEqual(await imageId(project, name), undefined);
    const again = await project.tsstack(['up', '-d']);
    assert.doesNotMatch(again.stderr, /^!|RUN/m);

    await project.expect(0, 'down', '-t', '0');
    await project.expect(0, 'image', 'rm', name);
    stack(`${build}, pull_policy: never`);
    const unpulled = await project.tsstack(['up', '-d']);
    assert.equal(unpulled.status, 0, unpulled.stderr);
    assert.doesNotMatch(unpulled.stderr, /^!/m);
  }),
);
