import assert from 'node:assert/strict';
import { e2e, freePort, http, postgresPrograms } from '../helpers/e2e.ts';

e2e(
  'examples/web answers through all four services, keeps its volume over down, and loses it with down -v',
  async (project) => {
    project.useExample('web');
    const port = await freePort();
    project.env['WEB_PORT'] = String(port);
    const site = `http://127.0.0.1:${port}`;

    await project.expect(0, 'up', '-d', '--wait');
    const first = JSON.parse(await http(`${site}/`)).visits;
    assert.equal(JSON.parse(await http(`${site}/`)).visits, first + 1, 'redis counts');
    await http(`${site}/notes`, "it's a note; drop table notes");
    assert.deepEqual(JSON.parse(await http(`${site}/notes`)), ["it's a note; drop table notes"]);
    await project.expect(0, 'plan', '--check');

    await project.expect(0, 'down');
    await project.expect(0, 'up', '-d', '--wait');
    assert.deepEqual(JSON.parse(await http(`${site}/notes`)), ["it's a note; drop table notes"], 'the volume lived on');

    await project.expect(0, 'down', '-v');
    await project.expect(0, 'up', '-d', '--wait');
    assert.deepEqual(JSON.parse(await http(`${site}/notes`)), [], 'down -v removed the volume');
  },
  { needs: ['nginx', 'redis-server', 'curl', postgresPrograms()], timeoutMs: 600_000 },
);

e2e(
  'in examples/web, nginx sits on the front network only and the databases have no way out',
  async (project) => {
    project.useExample('web');
    project.env['WEB_PORT'] = String(await freePort());
    await project.expect(0, 'up', '-d', '--wait');

    const redis = (await project.container('redis')).networks[0]?.ipv4?.split('/')[0];
    assert.ok(redis, 'redis has an address');
    const reach = (service: string, host: string) =>
      project.tsstack(['exec', service, 'timeout', '2', 'bash', '-c', `: < /dev/tcp/${host}/6379`]);
    assert.equal((await reach('app', redis)).status, 0, 'app shares a network with redis');
    assert.notEqual((await reach('nginx', redis)).status, 0, 'nginx must not reach redis by its address');

    const resolves = (service: string, name: string) => project.tsstack(['exec', service, 'getent', 'hosts', name]);
    assert.equal((await resolves('nginx', 'app')).status, 0);
    assert.notEqual((await resolves('nginx', 'redis')).status, 0, 'names of another network do not resolve');
    assert.equal(await project.expect(0, 'exec', 'redis', 'ip', 'route', 'show', 'default'), '', 'internal network');
  },
  { needs: ['nginx', 'redis-server', 'curl', 'ip', postgresPrograms()], timeoutMs: 600_000 },
);
