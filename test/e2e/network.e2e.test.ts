import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { ContainerDetail } from '../../src/daemon/api.ts';
import type { NetworkDetail, NetworkSummary } from '../../src/daemon/network-api.ts';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { output } from '../helpers/run.ts';

/** Says hello to whoever connects. */
const SERVER = `[perl, -MIO::Socket::INET, -e, '$$s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1); while ($$c = $$s->accept) { print $$c "hello\\n"; close $$c }']`;

const FRONT = `services:
  web: {command: ${SERVER}}
  db: {command: [sleep, infinity], networks: [default, back]}
networks: {back: {}}
`;

/** Another stack, of which `app` is on the shared network. */
class Other {
  readonly name: string;
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
    this.name = `${project.name}-other`;
  }

  run(...args: string[]) {
    return this.#project.tsstack(['-p', this.name, '-f', `${this.#project.scratch}/other.yaml`, ...args]);
  }

  async expect(status: number, ...args: string[]): Promise<string> {
    const finished = await this.run(...args);
    assert.equal(finished.status, status, `${args.join(' ')}\n${finished.stdout}${finished.stderr}`);
    return finished.stdout;
  }

  /** What answers `app` at port 80 of a name or address; undefined: nobody. */
  async ask(host: string): Promise<string | undefined> {
    const { status, stdout } = await this.run('exec', 'app', 'timeout', '2', 'bash', '-c', `cat < /dev/tcp/${host}/80`);
    return status === 0 ? stdout : undefined;
  }
}

async function inspect(project: Project, name: string): Promise<NetworkDetail> {
  const [network] = JSON.parse(await project.expect(0, 'network', 'inspect', name)) as NetworkDetail[];
  assert.ok(network);
  return network;
}

/** Two stacks up, `app` of the other on a network of no stack; all gone at the end. */
async function withShared(
  project: Project,
  body: (shared: string, other: Other) => Promise<void>,
  options: readonly string[] = ['--subnet', '10.233.7.0/24'],
): Promise<void> {
  const shared = `${project.name}-shared`;
  const other = new Other(project);
  project.write(FRONT);
  project.write(
    `services: {app: {command: [sleep, infinity], networks: [shared]}}\nnetworks: {shared: {external: true, name: ${shared}}}\n`,
    'other.yaml',
  );
  await project.expect(0, 'network', 'create', ...options, shared);
  try {
    await project.expect(0, 'up', '-d');
    await other.expect(0, 'up', '-d');
    await body(shared, other);
  } finally {
    await project.tsstack(['down', '-t', '1']);
    await other.run('down', '-t', '1');
    await project.tsstack(['network', 'rm', '-f', shared]);
  }
}

/** ROUNDS=1000 for the patient. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 100);

e2e('a container joins a network of no stack and leaves it, while it runs and while it does not', (project) =>
  withShared(project, async (shared, other) => {
    const web = `${project.name}-web-1`;
    const { pid } = await project.container('web');
    assert.equal(await other.ask('front'), undefined);

    await project.expect(0, 'network', 'connect', '--ip', '10.233.7.50', '--alias', 'front', shared, web);
    assert.equal(await other.ask('10.233.7.50'), 'hello\n');
    assert.equal(await other.ask('front'), 'hello\n');
    assert.equal(await other.ask(web), 'hello\n', 'as in Docker, by the name of the container');
    assert.equal(await other.ask('web'), undefined, 'the service is called so on networks of its stack');
    assert.match(
      await project.expect(0, 'exec', 'web', 'getent', 'hosts', 'app'),
      /^10\.233\.7\./,
      'the way back, too',
    );
    assert.equal((await project.container('web')).pid, pid, 'it was not restarted');
    assert.match((await project.tsstack(['plan', '--check'])).stdout, /by hand.*\n.*Nothing to do/);
    await project.expect(0, 'plan', '--check');

    const network = await inspect(project, shared);
    assert.deepEqual([network.stack, network.drift], ['', []]);
    const user = network.users.find(({ name }) => name === web);
    assert.deepEqual(
      [user?.sandbox, user?.containerInterface, user?.ipv4, user?.macAddress, user?.byHand, user?.names.slice(0, 2)],
      [`ts-${project.name}.web.1`, 'eth1', '10.233.7.50/24', '02:42:0a:e9:07:32', true, [web, 'front']],
    );
    assert.match(
      await output('ip', 'link', 'show', 'dev', user?.hostInterface ?? ''),
      new RegExp(network.bridge ?? 'none'),
    );
    const [detail] = JSON.parse(await project.expect(0, 'inspect', 'web')) as ContainerDetail[];
    assert.deepEqual(
      detail?.networks.map(({ name }) => name),
      ['default', shared],
    );
    assert.equal(detail?.endpoints[1]?.byHand?.ipv4Address, '10.233.7.50');

    await killDaemon(project);
    await project.expect(0, 'restart', '-t', '1', 'web');
    assert.equal(await other.ask('front'), 'hello\n', 'after the end of a daemon, and a restart');
    await project.expect(0, 'plan', '--check');

    const refused = await project.tsstack(['network', 'rm', shared]);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      new RegExp(
        `in use by ${other.name}\\.app\\.1, ${project.name}\\.web\\.1|in use by ${project.name}\\.web\\.1, ${other.name}\\.app\\.1`,
      ),
    );
    assert.doesNotMatch(await project.expect(0, 'network', 'prune', '-f'), new RegExp(shared));

    const running = (await project.container('web')).pid;
    await project.expect(0, 'network', 'disconnect', shared, 'web');
    assert.equal((await project.container('web')).pid, running);
    assert.equal(await other.ask('10.233.7.50'), undefined);
    assert.notEqual((await other.run('exec', 'app', 'getent', 'hosts', 'front')).status, 0);
    await assert.rejects(output('ip', 'link', 'show', 'dev', user?.hostInterface ?? ''));
    assert.match((await project.tsstack(['network', 'disconnect', shared, 'web'])).stderr, /is not on network/);
    await project.expect(0, 'network', 'disconnect', '-f', shared, 'web');

    await project.expect(0, 'stop', '-t', '1', 'web');
    await project.expect(0, 'network', 'connect', '--alias', 'later', shared, `${project.name}.web.1`);
    await project.expect(0, 'start', 'web');
    assert.equal(await other.ask('later'), 'hello\n', 'connected while it did not run');

    const plan = await project.expect(0, 'up', '-d', '--force-recreate', '--dry-run', 'web');
    assert.match(plan, new RegExp(`recreation was asked for; loses network "${shared}"`));
    assert.match(plan, new RegExp(`networks\\.${shared} +10\\.233\\.7\\.\\d+/24 → \\(none\\)`));
    await project.expect(0, 'up', '-d', '--force-recreate', 'web');
    assert.equal(await other.ask('later'), undefined);
    await project.expect(0, 'plan', '--check');
  }),
);

e2e('the default route moves to a network and back, and to lose a network of the file is drift', (project) =>
  withShared(project, async (shared, other) => {
    const db = `${project.name}-db-1`;
    const route = () => output('ip', '-n', `ts-${project.name}.db.1`, 'route', 'show', 'default');
    const links = () => output('ip', '-n', `ts-${project.name}.db.1`, '-o', 'link');
    const [before, own] = [await route(), await links()];
    await project.expect(0, 'network', 'connect', '--gw-priority', '7', shared, db);
    assert.match(await route(), /^default via 10\.233\.7\.1 dev eth2 *\n$/);
    await project.expect(0, 'plan', '--check');
    await project.expect(0, 'network', 'disconnect', shared, 'db');
    assert.equal(await route(), before);
    assert.equal(await links(), own, 'no other link was touched');

    const back = `${project.name}_back`;
    const { pid } = await project.container('db');
    await project.expect(0, 'network', 'disconnect', back, db);
    assert.match(await route(), /^default via \S+ dev eth1 *\n$/, 'by the network that is left');
    await project.expect(0, 'restart', '-t', '1', 'db');
    const plan = await project.expect(3, 'plan', '--check');
    assert.match(plan, new RegExp(`~ service\\.db\\[1\\] +drift: it was disconnected from network "${back}" by hand`));
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    assert.notEqual((await project.container('db')).pid, pid, 'only by the restart');
    for (const name of [/eth0@/, /eth1@/]) assert.match(await links(), name);
    await project.expect(0, 'network', 'disconnect', back, db);
    await project.expect(0, 'network', 'connect', back, db);
    await project.expect(0, 'plan', '--check');

    // A network of a stack is there for others, too, and for as long as they are on it.
    await project.expect(0, 'network', 'connect', back, `${other.name}.app.1`);
    assert.match(await other.expect(0, 'exec', 'app', 'getent', 'hosts', db), /^10\./);
    const down = await project.tsstack(['down', '-t', '1']);
    assert.equal(down.status, 0, down.stderr);
    assert.match(down.stderr, new RegExp(`Network "${back}" is kept: .*${other.name}\\.app\\.1`));
    assert.notEqual((await other.run('exec', 'app', 'getent', 'hosts', db)).status, 0, 'its name is gone with it');
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    await project.expect(0, 'down', '-t', '1');
    assert.deepEqual(
      (await inspect(project, back)).users.map(({ stack }) => stack),
      [other.name],
    );
    await other.expect(0, 'plan', '--check');
    await other.expect(0, 'network', 'disconnect', back, 'app');
    assert.match(await project.expect(0, 'network', 'prune', '-f', '--dry-run'), new RegExp(`^${back}$`, 'm'));
    assert.match(
      await project.expect(0, 'network', 'prune', '-f', '--filter', `stack=${project.name}`),
      new RegExp(`^${back}\\n$`),
    );
  }),
);

e2e(
  'a network that lost its bridge comes back with the up of a stack that uses it, and one that was removed, too',
  (project) =>
    withShared(project, async (shared, other) => {
      await project.expect(0, 'network', 'connect', '--alias', 'front', shared, 'web');
      const { bridge = '' } = await inspect(project, shared);
      execFileSync('ip', ['link', 'del', 'dev', bridge]);
      assert.match((await inspect(project, shared)).drift.join(), /is missing/);
      assert.match(await other.expect(3, 'plan', '--check'), /~ network\.shared +drift/);
      await other.expect(0, 'up', '-d');
      assert.match(await project.expect(3, 'plan', '--check'), /~ service\.web\[1\] +drift/);
      await project.expect(0, 'up', '-d');
      assert.equal(await other.ask('front'), 'hello\n');
      execFileSync('ip', ['link', 'del', 'dev', bridge]);
      await project.expect(0, 'up', '-d');
      await other.expect(0, 'up', '-d');
      assert.equal(await other.ask('front'), 'hello\n', 'of a stack whose file does not name it, as well');
      assert.deepEqual((await inspect(project, shared)).drift, []);

      const back = `${project.name}_back`;
      await project.expect(0, 'rm', '-fs', 'db');
      await project.expect(0, 'network', 'rm', back);
      assert.match(await project.expect(3, 'plan', '--check'), /\+ network\.back/);
      await project.expect(0, 'up', '-d');
      await project.expect(0, 'plan', '--check');
    }),
);

e2e('what cannot be done of networks is said in one error, and nothing is left of it', (project) =>
  withShared(project, async (shared) => {
    const web = `${project.name}-web-1`;
    const before = await project.expect(0, 'network', 'ls', '--json');
    const bad: readonly (readonly [number, RegExp, ...string[]])[] = [
      [2, /no name of a network/, 'create', 'a b'],
      [2, /no name of a network/, 'create', 'a/b'],
      [2, /network that Docker has/, 'create', 'host'],
      [1, /already/, 'create', shared],
      [2, /--subnet "x" is not a subnet/, 'create', '--subnet', 'x', 'n'],
      [1, /subnet 10\.233\.0\.0\/16 overlaps network/, 'create', '--subnet', '10.233.0.0/16', 'n'],
      [
        2,
        /--gateway 10\.1\.1\.1 is outside the subnet/,
        'create',
        '--subnet',
        '10.233.8.0/24',
        '--gateway',
        '10.1.1.1',
        'n',
      ],
      [2, /needs the --subnet/, 'create', '--gateway', '10.1.1.1', 'n'],
      [
        2,
        /two --gateway/,
        'create',
        '--subnet',
        '10.233.8.0/24',
        '--gateway',
        '10.233.8.1',
        '--gateway',
        '10.233.8.2',
        'n',
      ],
      [1, /no driver "nonsense"/, 'create', '--driver', 'nonsense', 'n'],
      [1, /no network "none-such"/, 'connect', 'none-such', web],
      [1, /no container "none-such"/, 'connect', shared, 'none-such'],
      [2, /--ip "x" is not an IP address/, 'connect', '--ip', 'x', shared, web],
      [1, /has subnet 10\.233\.7\.0\/24/, 'connect', '--ip', '10.9.9.9', shared, web],
      [1, /the network itself has it/, 'connect', '--ip', '10.233.7.1', shared, web],
      [1, /whole subnet/, 'connect', '--ip', '10.233.7.255', shared, web],
      [1, /a container of another stack/, 'connect', '--ip', '10.233.7.2', shared, web],
      [1, /has no IPv6/, 'connect', '--ip6', 'fd00::7', shared, web],
      [1, /already/, 'connect', `${project.name}_default`, web],
      [1, /is not on network/, 'disconnect', shared, web],
      [1, /no network "none-such"/, 'rm', 'none-such'],
      [2, /dangling needs true or false/, 'ls', '--filter', 'dangling=perhaps'],
    ];
    for (const [status, message, ...args] of bad) {
      const finished = await project.tsstack(['network', ...args]);
      assert.equal(finished.status, status, `${args.join(' ')}: ${finished.stderr}`);
      assert.match(finished.stderr, message, args.join(' '));
      assert.equal(finished.stderr.match(/^error: /gm)?.length, 1, finished.stderr);
    }
    assert.equal(await project.expect(0, 'network', 'ls', '--json'), before);
    const names = (...filter: string[]) => project.expect(0, 'network', 'ls', '-q', ...filter);
    assert.equal(await names('--filter', `name=${shared}`, '--filter', 'stack='), `${shared}\n`);
    assert.equal(await names('--filter', `stack=${project.name}`), `${project.name}_back\n${project.name}_default\n`);
    const all = JSON.parse(before) as NetworkSummary[];
    assert.deepEqual(all.find(({ name }) => name === shared)?.subnets, [
      { subnet: '10.233.7.0/24', gateway: '10.233.7.1' },
    ]);
  }),
);

e2e('a hundred times connected and disconnected, nothing is left of it', (project) =>
  withShared(project, async (shared) => {
    const container = `${project.name}.web.1`;
    const state = async () => ({
      links: readdirSync('/sys/class/net').sort(),
      namespaces: readdirSync('/run/netns').sort(),
      rules: await output('nft', 'list', 'table', 'inet', 'tsstack'),
      guard: await output('nft', 'list', 'table', 'bridge', 'tsstack'),
      routes: await output('ip', 'route', 'show', 'table', 'all'),
      inside: await output('ip', '-n', `ts-${container}`, '-o', 'addr'),
      insideRoutes: await output('ip', '-n', `ts-${container}`, 'route', 'show', 'table', 'all'),
      record: readFileSync(`/var/lib/tsstack/stacks/${project.name}/containers/web.1/container.json`, 'utf8'),
      hosts: readFileSync(`/var/lib/tsstack/stacks/${project.name}/containers/web.1/hosts`, 'utf8'),
    });
    // Once, so that descriptions are written by the same step.
    await project.expect(0, 'network', 'connect', shared, container);
    await project.expect(0, 'network', 'disconnect', shared, container);
    const before = await state();
    for (let round = 0; round < ROUNDS; round += 1) {
      await project.expect(0, 'network', 'connect', '--alias', `a${round}`, shared, container);
      await project.expect(0, 'network', 'disconnect', shared, container);
    }
    assert.deepEqual(await state(), before);
    await project.expect(0, 'plan', '--check');
  }),
);
