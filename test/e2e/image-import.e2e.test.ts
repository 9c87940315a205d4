import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { e2e } from '../helpers/e2e.ts';
import { type Entry, tarOf } from '../helpers/image-builder.ts';
import { run } from '../helpers/run.ts';

const NEEDS = { needs: ['skopeo', 'zstd'] };

/** busybox as the tarball of a root filesystem. */
async function rootTarball(path: string): Promise<void> {
  const links = ['sh', 'cat', 'sleep'].map(
    (name): Entry => ({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' }),
  );
  const busybox = { name: 'bin/busybox', text: readFileSync('/bin/busybox'), mode: 0o755 };
  writeFileSync(path, await tarOf([{ name: 'bin/' }, busybox, ...links, { name: 'word', text: 'word' }]));
}

e2e(
  'a root filesystem becomes an image, is run, exported and imported again, and other tools read it',
  async (project) => {
    const [first, second] = [`${project.name}/first:1`, `${project.name}/second:1`];
    const rootfs = join(project.scratch, 'rootfs.tar');
    await rootTarball(rootfs);
    execFileSync('zstd', ['-q', rootfs]);
    try {
      const changes = ['-c', 'ENV PATH=/bin', '-c', 'CMD ["sleep", "infinity"]', '-c', 'STOPSIGNAL KILL'];
      const id = (await project.expect(0, 'image', 'import', ...changes, `${rootfs}.zst`, first)).trim();
      const [image] = JSON.parse(await project.expect(0, 'image', 'inspect', first));
      assert.equal(image.id, id);
      assert.deepEqual(image.config.command, ['sleep', 'infinity']);
      assert.equal(image.history[0].comment, `Imported from ${rootfs}.zst`);
      // One that has no such configuration is refused before anything is kept.
      const refused = await project.tsstack(['image', 'import', '-c', 'RUN true', rootfs, second]);
      assert.equal(refused.status, 2);
      assert.match(refused.stderr, /--change cannot be RUN/);
      const none = await project.tsstack(['image', 'import', '/bin/busybox', second]);
      assert.equal(none.status, 1);
      assert.match(none.stderr, /Cannot import "\/bin\/busybox": its first entry/);

      project.write(`services: {app: {image: "${first}"}}\n`);
      await project.expect(0, 'up', '-d');
      assert.equal(await project.expect(0, 'exec', '-T', 'app', 'cat', '/word'), 'word');
      await project.expect(0, 'exec', '-T', 'app', 'sh', '-c', 'echo new > /word');

      // The image, not the container: twice the same bytes, and what was imported.
      const whole = join(project.scratch, 'whole.tar');
      await project.expect(0, 'image', 'export', first, '-o', whole);
      assert.equal(execFileSync('tar', ['-xOf', whole, 'word'], { encoding: 'utf8' }), 'word');
      const sorted = (path: string) =>
        // Of a link no permissions are kept.
        execFileSync('tar', ['-tvf', path, '--numeric-owner'], { encoding: 'utf8' })
          .replaceAll(/^l\S+/gm, 'l')
          .trimEnd()
          .split('\n')
          .sort();
      assert.deepEqual(sorted(whole), sorted(rootfs));
      const piped = execFileSync(TSSTACK, ['image', 'export', first], { maxBuffer: 2 ** 26 });
      assert.deepEqual(piped, readFileSync(whole));

      // Through pipes, and for another machine.
      const script = '"$0" -p "$2" export app | "$0" image import --platform linux/riscv64 -m why - "$1"';
      const foreign = execFileSync('sh', ['-c', script, TSSTACK, second, project.name], {
        cwd: project.directory,
        env: { ...process.env, ...project.env },
        encoding: 'utf8',
      });
      const archive = join(project.scratch, 'second.tar');
      await project.expect(0, 'image', 'save', foreign.trim(), '-o', archive);
      const seen = await run(['skopeo', 'inspect', '--config', `oci-archive:${archive}`]);
      const config = JSON.parse(seen.stdout);
      assert.equal(config.architecture, 'riscv64');
      assert.equal(config.history[0].comment, 'why');
      await project.expect(0, 'image', 'import', ...changes, ...(await exported(project)), second);
      project.write(`services: {app: {image: "${second}"}}\n`);
      await project.expect(0, 'up', '-d');
      assert.equal(await project.expect(0, 'exec', '-T', 'app', 'cat', '/word'), 'new\n');
      await project.expect(0, 'image', 'rm', '-f', foreign.trim());
    } finally {
      await project.tsstack(['down', '-t', '0']);
      await project.tsstack(['image', 'rm', '-f', first, second]);
    }
  },
  NEEDS,
);

async function exported(project: Parameters<Parameters<typeof e2e>[1]>[0]): Promise<readonly string[]> {
  const path = join(project.scratch, 'exported.tar');
  await project.expect(0, 'export', '-o', path, 'app');
  return [path];
}

e2e(
  'an archive that is compressed as a whole is loaded, from a file and through a pipe, and runs as it lies there',
  async (project) => {
    const name = `${project.name}/app:1`;
    const rootfs = join(project.scratch, 'rootfs.tar');
    await rootTarball(rootfs);
    const archive = join(project.scratch, 'app.tar');
    try {
      await project.expect(0, 'image', 'import', '-c', 'CMD ["/bin/sleep", "infinity"]', rootfs, name);
      await project.expect(0, 'image', 'save', name, '-o', archive);
      for (const packer of ['gzip', 'zstd', 'xz']) {
        const packed = `${archive}.${packer}`;
        execFileSync('sh', ['-c', `${packer} -c "$0" > "$1"`, archive, packed]);
        await project.expect(0, 'image', 'rm', name);
        assert.equal(await project.expect(0, 'image', 'load', packed), `${name}\n`);
        await project.expect(0, 'image', 'rm', name);
        const script = `${packer} -c "$1" | "$0" image load -q`;
        assert.equal(execFileSync('sh', ['-c', script, TSSTACK, archive], { encoding: 'utf8' }), `${name}\n`);
      }
      project.write(`services: {app: {image: "docker-archive:${archive}.xz", stop_signal: KILL}}\n`);
      await project.expect(0, 'up', '-d');
      assert.equal(await project.expect(0, 'exec', '-T', 'app', '/bin/cat', '/word'), 'word');
      assert.match(await project.expect(0, 'plan'), /Nothing to do/);
    } finally {
      await project.tsstack(['down', '-t', '0']);
      await project.tsstack(['image', 'rm', '-f', name]);
    }
  },
  NEEDS,
);
