import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { type Entry, tarOf, writeLayout } from '../helpers/image-builder.ts';

const NEEDS = { needs: ['docker-registry'] };

/** Puts busybox with a word of its own into the store, under this name. */
async function load(project: Project, name: string, word: string): Promise<void> {
  const links = ['sh', 'cat', 'sleep'].map(
    (link): Entry => ({ name: `bin/${link}`, type: 'symlink', linkname: 'busybox' }),
  );
  const base = await tarOf([
    { name: 'bin/' },
    { name: 'bin/busybox', text: readFileSync('/bin/busybox'), mode: 0o755 },
    ...links,
  ]);
  const layers = [base, await tarOf([{ name: 'word', text: word }])];
  const config = { Cmd: ['/bin/sleep', 'infinity'], Env: ['PATH=/bin'] };
  const layout = writeLayout(join(project.scratch, `layout-${word}`), [{ layers, config, tag: name }]);
  await project.expect(0, 'image', 'load', layout);
}

async function ids(project: Project): Promise<readonly string[]> {
  const images: readonly { id: string }[] = JSON.parse(await project.expect(0, 'image', 'ls', '--json'));
  return images.map(({ id }) => id);
}

/** A name that is set anew leaves the image that it stood for, without a name. */
async function removeNew(project: Project, before: readonly string[]): Promise<void> {
  const made = (await ids(project)).filter((id) => !before.includes(id));
  if (made.length > 0) await project.expect(0, 'image', 'rm', '-f', ...made);
}

function word(project: Project): Promise<string> {
  return project.expect(0, 'exec', '-T', 'app', 'cat', '/word');
}

e2e(
  'an image is pushed, and pulled when the stack needs it, by its policy',
  async (project) => {
    const registry = await startDockerRegistry(join(project.scratch, 'registry'));
    const before = await ids(project);
    const name = `${registry.host}/team/app:1`;
    const stack = (policy: string): void =>
      project.write(`services: {app: {image: "${name}", pull_policy: ${policy}, stop_signal: KILL}}\n`);
    try {
      await load(project, name, 'one');
      await project.expect(0, 'image', 'push', name);
      await project.expect(0, 'image', 'rm', name);

      stack('never');
      const refused = await project.tsstack(['up', '-d']);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /image ".*team\/app:1" was not found/);

      stack('missing');
      const plan = await project.expect(0, 'plan');
      assert.match(plan, /image\..*team\/app:1 {2}is pulled first/);
      assert.match(plan, /2 to create, 1 to pull/);
      await project.expect(0, 'up', '-d');
      assert.equal(await word(project), 'one');
      assert.match(await project.expect(0, 'plan'), /Nothing to do/);

      // Something newer is there: only a policy or a wish that asks for it gets it.
      await load(project, name, 'two');
      await project.expect(0, 'image', 'push', name);
      await project.expect(0, 'image', 'rm', name);
      await project.expect(0, 'pull');
      await project.expect(0, 'up', '-d');
      assert.equal(await word(project), 'two');
      await load(project, name, 'one');
      await project.expect(0, 'up', '-d');
      assert.equal(await word(project), 'one');
      await project.expect(0, 'up', '-d', '--pull', 'always');
      assert.equal(await word(project), 'two');

      await load(project, name, 'one');
      stack('every_1h');
      await project.expect(0, 'up', '-d');
      assert.equal(await word(project), 'one');
      stack('every_1ms');
      await project.expect(0, 'up', '-d');
      assert.equal(await word(project), 'two');
    } finally {
      await project.tsstack(['down', '-t', '0']);
      await removeNew(project, before);
      await registry.stop();
    }
  },
  NEEDS,
);

e2e(
  'credentials are tried and kept where Docker keeps them, and a pull without them says what to do',
  async (project) => {
    const registry = await startDockerRegistry(join(project.scratch, 'registry'), { password: true });
    const name = `${registry.host}/app:1`;
    project.env['DOCKER_CONFIG'] = join(project.scratch, 'docker');
    const login = (password: string) =>
      project.tsstack(['login', '-u', 'ann', '--password-stdin', registry.host], { stdin: `${password}\n` });
    try {
      await load(project, name, 'one');
      const denied = await project.tsstack(['image', 'push', name]);
      assert.equal(denied.status, 1);
      assert.match(denied.stderr, /tsstack login/);

      const wrong = await login('wrong');
      assert.equal(wrong.status, 1);
      assert.doesNotMatch(wrong.stderr, /wrong/);
      assert.equal((await login('secret')).status, 0);
      const kept = JSON.parse(readFileSync(join(project.scratch, 'docker/config.json'), 'utf8'));
      assert.deepEqual(Object.keys(kept.auths), [registry.host]);

      await project.expect(0, 'image', 'push', name);
      await project.expect(0, 'image', 'rm', name);
      await project.expect(0, 'image', 'pull', name);
      assert.match(await project.expect(0, 'image', 'ls'), /app:1/);
      await project.expect(0, 'logout', registry.host);
      assert.equal((await project.tsstack(['image', 'pull', name])).status, 1);
    } finally {
      await project.tsstack(['image', 'rm', name]);
      await registry.stop();
    }
  },
  NEEDS,
);

e2e('a pull whose client is killed ends, and lets go of the registry', async (project) => {
  const gone = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  // It never answers.
  const registry = createServer((socket) => {
    socket.on('data', () => asked.resolve()).on('error', () => undefined);
    socket.on('close', () => gone.resolve());
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = registry.address() as AddressInfo;
    const [command = '', ...words] = project.argv(['image', 'pull', `127.0.0.1:${port}/team/app:1`]);
    const client = spawn(command, words, { cwd: project.directory, stdio: 'ignore' });
    await asked.promise;
    client.kill('SIGKILL');
    await gone.promise;
  } finally {
    registry.close();
  }
});
