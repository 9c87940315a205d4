import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { VolumeSummary } from '../../src/daemon/volume-api.ts';
import { fakeDaemon, json, type Route } from './fake-daemon.ts';
import { cli, withFiles } from './run-cli.ts';

const USER = { stack: 'demo', service: 'db', index: 1, name: 'demo-db-1', target: '/d', readOnly: false };

function volume(name: string, changes: Partial<VolumeSummary> = {}): VolumeSummary {
  const base = { stack: 'demo', key: name, anonymous: false, driver: 'local', driverOptions: {}, labels: {} };
  return { ...base, name, mountpoint: `/volumes/${name}/data`, users: [], ...changes };
}

const VOLUMES = [
  volume('used', { anonymous: true, key: '', users: [{ ...USER, running: true }] }),
  volume('unused', { anonymous: true, key: '' }),
  volume('named'),
];

/** Runs `tsstack volume` against a daemon; gives the names that were removed beside the outcome. */
async function volumeCommand(argv: readonly string[], routes: Readonly<Record<string, Route>> = {}, stdin = '') {
  const daemon = await fakeDaemon({
    'GET /v1/volumes': (_, response) => json(response, VOLUMES),
    'POST /v1/volumes/remove': (_, response) => json(response, {}),
    ...routes,
  });
  try {
    const ended = await cli('/', ['volume', ...argv], { TSSTACK_RUN_DIR: daemon.paths.run }, stdin);
    const removed = daemon.requests.flatMap(({ route, body }) => (route.endsWith('/remove') ? [body] : []));
    return { ...ended, removed };
  } finally {
    await daemon.close();
  }
}

test('volume ls shows who uses a volume; -q and --json print names and data', async () => {
  const { status, stdout } = await volumeCommand(['ls']);
  assert.equal(status, 0);
  assert.match(stdout, /^NAME +STACK +DRIVER +USED BY\nused +demo +local +demo-db-1\nunused +demo +local +-\n/);
  assert.equal((await volumeCommand(['ls', '-q'])).stdout, 'used\nunused\nnamed\n');
  assert.deepEqual(JSON.parse((await volumeCommand(['ls', '--json'])).stdout), VOLUMES);
});

test('volume prune -f removes anonymous volumes that nobody uses, with --all also named ones', async () => {
  const { status, stdout, removed } = await volumeCommand(['prune', '-f']);
  assert.deepEqual([status, stdout, removed], [0, 'unused\n', [{ name: 'unused' }]]);
  assert.deepEqual((await volumeCommand(['prune', '-f', '-a'])).removed, [{ name: 'unused' }, { name: 'named' }]);
});

test('volume prune without -f removes nothing where nobody can be asked', async () => {
  const { status, stderr, removed } = await volumeCommand(['prune'], {}, 'y\n');
  assert.deepEqual([status, removed], [2, []]);
  assert.match(stderr, /unused/);
  assert.match(stderr, /-f/);
});

test('volume rm goes on after one that is in use, and fails with what the daemon says of it', async () => {
  const refuse: Route = (body, response) => {
    const { name } = body as { readonly name: string };
    if (name === 'used') json(response, { code: 'conflict', message: 'Volume "used" is in use by demo.db.1' }, 409);
    else if (name === 'none') json(response, { code: 'not-found', message: 'There is no volume "none"' }, 404);
    else json(response, {});
  };
  const routes = { 'POST /v1/volumes/remove': refuse };
  const { status, stdout, stderr } = await volumeCommand(['rm', 'used', 'unused'], routes);
  assert.deepEqual([status, stdout], [1, 'unused\n']);
  assert.match(stderr, /in use by demo\.db\.1/);
  assert.equal((await volumeCommand(['rm', 'none'], routes)).status, 1);
  assert.equal((await volumeCommand(['rm', '-f', 'none'], routes)).status, 0);
  assert.equal((await volumeCommand(['rm', '-f', 'used'], routes)).status, 1, '-f is no way around users');
});

test('volume says what it knows, and refuses options that would be ignored', async () => {
  assert.match((await volumeCommand(['remove'])).stderr, /There is no "volume remove"/);
  const { status, stderr } = await volumeCommand(['rm', '--all', 'x']);
  assert.equal(status, 2);
  assert.match(stderr, /--all has no meaning for "volume rm"/);
});

test('volume export writes what the program writes, and keeps no file of one that fails', () =>
  withFiles({}, async (directory) => {
    const argv = ['sh', '-c', 'printf "a\\0b"; exit "$1"', 'sh'];
    const route =
      (status: string): Route =>
      (_, response) =>
        json(response, { argv: [...argv, status] });
    const file = `${directory}/out.tar`;
    const ended = await volumeCommand(['export', 'v', '-o', file], { 'POST /v1/volumes/transfer': route('0') });
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(readFileSync(file, 'utf8'), 'a\0b');
    const failed = await volumeCommand(['export', 'v', '-o', file], { 'POST /v1/volumes/transfer': route('2') });
    assert.equal(failed.status, 1);
    assert.throws(() => readFileSync(file), { code: 'ENOENT' });
  }));

test('volume import gives the program the file, or standard input', () =>
  withFiles({ 'in.tar': 'archive' }, async (directory) => {
    const route: Route = (_, response) => json(response, { argv: ['sh', '-c', `cat > ${directory}/got`] });
    const routes = { 'POST /v1/volumes/transfer': route };
    assert.equal((await volumeCommand(['import', 'v', `${directory}/in.tar`], routes)).status, 0);
    assert.equal(readFileSync(`${directory}/got`, 'utf8'), 'archive');
    assert.equal((await volumeCommand(['import', 'v'], routes, 'piped')).status, 0);
    assert.equal(readFileSync(`${directory}/got`, 'utf8'), 'piped');
    assert.equal((await volumeCommand(['import', 'v', `${directory}/none`], routes)).status, 2);
  }));
