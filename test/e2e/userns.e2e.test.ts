import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, freePort, http } from '../helpers/e2e.ts';

e2e(
  'a service with userns_mode: private is root over its files, volumes and port 80, and nobody on the host',
  async (project) => {
    const port = await freePort();
    const shared = join(project.scratch, 'shared');
    mkdirSync(shared);
    writeFileSync(join(shared, 'index.html'), 'from the host\n');
    project.write(`services:
  web:
    userns_mode: private
    command: [busybox, httpd, -f, -p, '80', -h, /shared]
    ports: ['127.0.0.1:${port}:80']
    volumes: ['data:/data', './shared:/shared']
    healthcheck:
      test: [CMD-SHELL, 'test "$(id -u)" = 0 && echo checked >>/data/checks']
      interval: 1s
  neighbour:
    userns_mode: auto
    user: '33'
    read_only: true
    command: [sleep, infinity]
    volumes: ['data:/data']
volumes:
  data:
`);
    await project.expect(0, 'up', '-d', '--wait');
    assert.equal(await http(`http://127.0.0.1:${port}/`), 'from the host\n');

    const script = `id -u; tr -s ' ' </proc/self/uid_map; echo x >/usr/made && chown 33:33 /usr/made
      mkdir /data/of-neighbour && chown 33 /data/of-neighbour; echo changed >/shared/index.html; touch /shared/made`;
    const [id, map = ''] = (await project.expect(0, 'exec', 'web', 'sh', '-c', script)).split('\n');
    assert.equal(id, '0');
    const [, base = ''] = /^ 0 (\d+) 65536$/.exec(map) ?? [];
    assert.ok(Number(base) >= 0x7000_0000, map);
    assert.equal(await http(`http://127.0.0.1:${port}/`), 'changed\n');
    assert.equal(statSync(join(shared, 'made')).uid, 0);

    await project.expect(0, 'exec', 'neighbour', 'touch', '/data/of-neighbour/file');
    assert.equal(await project.expect(0, 'exec', 'web', 'stat', '-c', '%u', '/data/of-neighbour/file'), '33\n');
    const uidOf = async (service: string) => {
      const { pid } = await project.container(service);
      return /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    };
    assert.equal(await uidOf('web'), base);
    assert.equal(await uidOf('neighbour'), String(Number(base) + 33));

    await project.expect(0, 'restart', '--timeout', '0', 'web');
    assert.equal(await project.expect(0, 'exec', 'web', 'stat', '-c', '%u', '/usr/made'), '33\n');
    assert.match(await project.expect(0, 'exec', 'web', 'cat', '/data/checks'), /^checked$/m);
  },
  { needs: ['busybox'] },
);

e2e('a privileged service with a user namespace is refused, with a hint', async (project) => {
  project.write('services:\n  web:\n    privileged: true\n    userns_mode: private\n    command: [sleep, infinity]\n');
  const { status, stdout, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1);
  assert.match(stdout + stderr, /is privileged, which a user namespace would undo[\s\S]*Remove one of/);
});
