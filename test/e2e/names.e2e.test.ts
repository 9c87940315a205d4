import assert from 'node:assert/strict';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { run, until } from '../helpers/run.ts';

/** What busybox's nslookup, which asks DNS and never /etc/hosts, finds: addresses in the order of the answer. */
async function lookUp(project: Project, service: string, name: string): Promise<readonly string[]> {
  const { stdout } = await project.tsstack(['exec', service, 'busybox', 'nslookup', '-type=a', name]);
  return [...stdout.matchAll(/^Address: (\S+)$/gm)].map(([, address]) => address ?? '');
}

async function nslookup(project: Project, service: string, ...args: string[]): Promise<string> {
  return (await project.tsstack(['exec', service, 'busybox', 'nslookup', ...args])).stdout;
}

async function addressOf(project: Project, service: string, network: string): Promise<string> {
  const { networks } = await project.container(service);
  return networks.find((each) => each.name === network)?.ipv4?.split('/')[0] ?? '';
}

async function servePid(): Promise<number> {
  const { stdout } = await run(['sh', '-c', 'grep -l "^tsstack serve" /proc/[0-9]*/cmdline 2>/dev/null; :']);
  const pids = stdout.split('\n').flatMap((line) => /\/proc\/(\d+)\//.exec(line)?.[1] ?? []);
  assert.equal(pids.length, 1, `one process answers names, not ${pids.join(', ')}`);
  return Number(pids[0]);
}

const TWO_NETWORKS = `services:
  web:
    command: [sleep, infinity]
    networks: {front: {aliases: [www]}, back: {}}
    ports: ['8080']
  db:
    command: [sleep, infinity]
    networks: [back]
    domainname: example.org
  pool:
    command: [sleep, infinity]
    deploy: {replicas: 3}
    networks: [front]
networks:
  front: {}
  back: {internal: true}
`;

e2e('names are answered by DNS for who shares a network, and for nobody else', async (project) => {
  project.write(TWO_NETWORKS);
  await project.expect(0, 'up', '-d');
  const db = await addressOf(project, 'db', 'back');
  const web = await addressOf(project, 'web', 'front');
  for (const name of ['db', 'DB', `${project.name}-db-1`, `db.${project.name}_back`, 'db.example.org']) {
    assert.deepEqual(await lookUp(project, 'web', name), [db], name);
  }
  assert.deepEqual(await lookUp(project, 'pool', 'www'), [web], 'an alias');
  assert.deepEqual(await lookUp(project, 'db', 'web'), [await addressOf(project, 'web', 'back')]);
  for (const name of ['pool', 'www', `pool.${project.name}_front`]) {
    assert.match(await nslookup(project, 'db', name), /NXDOMAIN/, name);
  }
  const firsts = new Set<string | undefined>();
  for (let round = 0; round < 6; round += 1) firsts.add((await lookUp(project, 'web', 'pool'))[0]);
  assert.equal(firsts.size, 3, 'each replica comes first in its turn');

  assert.match(await nslookup(project, 'web', db), new RegExp(`name = ${project.name}-db-1\\.${project.name}_back`));
  assert.match(await nslookup(project, 'pool', db), /NXDOMAIN/, 'PTR of another network');
  assert.match(await nslookup(project, 'pool', '-type=srv', '_8080._tcp.web'), /service = 0 0 8080 \S+-web-1\./);

  await project.expect(0, 'stop', 'db');
  assert.deepEqual(await lookUp(project, 'web', 'db'), [], 'one that does not run has no name');
  await project.expect(0, 'start', 'db');
  assert.deepEqual(await lookUp(project, 'web', 'db'), [db]);
  await project.expect(0, 'up', '-d', '--scale', 'pool=5');
  assert.equal((await lookUp(project, 'web', 'pool')).length, 5);
});

e2e(
  'names are answered while the daemon is dead, and by another process when theirs was killed',
  async (project) => {
    project.write(TWO_NETWORKS);
    await project.expect(0, 'up', '-d');
    const pids = Object.fromEntries((await project.ps()).map(({ name, pid }) => [name, pid]));
    const asWeb = (...argv: string[]) => run(['nsenter', '-t', String(pids[`${project.name}-web-1`]), '-a', ...argv]);
    const db = await addressOf(project, 'db', 'back');
    const first = await servePid();

    await killDaemon(project);
    const answer = await asWeb('busybox', 'nslookup', '-type=a', 'db');
    assert.match(answer.stdout, new RegExp(`Address: ${db.replaceAll('.', '\\.')}`));
    assert.equal(await servePid(), first);

    process.kill(first, 'SIGKILL');
    const hosts = await asWeb('getent', 'hosts', 'db');
    assert.equal(hosts.status, 0, '/etc/hosts needs no process');

    await project.expect(0, 'ps');
    await until('names to be answered again', async () => (await lookUp(project, 'web', 'db'))[0] === db);
    const second = await servePid();
    assert.notEqual(second, first);

    process.kill(second, 'SIGKILL');
    await until('another process', async () => (await servePid()) !== second);
    await until('names to be answered again', async () => (await lookUp(project, 'web', 'db'))[0] === db);
  },
  { needs: ['curl', 'nsenter', 'busybox'] },
);

e2e('who answers names is nobody, and may do nothing but open ports below 1024', async (project) => {
  project.write('services:\n  web:\n    command: [sleep, infinity]\n');
  await project.expect(0, 'up', '-d');
  const status = (await run(['cat', `/proc/${await servePid()}/status`])).stdout;
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
  assert.match(status, /^Groups:\t ?$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
    assert.match(status, new RegExp(`^${set}:\t0000000000000400$`, 'm'));
  }
});
