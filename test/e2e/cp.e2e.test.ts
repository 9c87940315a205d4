import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const STACK = `services:
  web:
    command: [sleep, infinity]
    stop_grace_period: 10ms
    network_mode: none
    volumes: ['data:/data', './bind:/bind']
    tmpfs: [/memory]
volumes:
  data:
`;

/** A directory with a file, one of another owner with set-id bits, a link and a directory. */
function makeTree(project: Project): void {
  const tree = join(project.scratch, 'tree');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  mkdirSync(join(project.scratch, 'bind'));
  writeFileSync(join(tree, 'file'), 'one\n');
  writeFileSync(join(tree, 'owned'), 'two\n');
  chownSync(join(tree, 'owned'), 33, 44);
  chmodSync(join(tree, 'owned'), 0o4755);
  writeFileSync(join(tree, 'sub/deep'), 'three\n');
  symlinkSync('/etc/passwd', join(tree, 'link'));
}

/** What the container sees: owner, mode and name of everything in a directory, sorted. */
async function listing(project: Project, directory: string, service = 'web'): Promise<string> {
  const script = `cd ${directory} && find . -mindepth 1 -exec stat -c '%u:%g %a %n' {} + | sort -k3`;
  return project.expect(0, 'exec', '-T', service, 'sh', '-c', script);
}

const ROOT_OWNED = '0:0 644 ./file\n0:0 777 ./link\n0:0 755 ./owned\n0:0 755 ./sub\n0:0 644 ./sub/deep\n';
const KEPT = ROOT_OWNED.replace('0:0 755 ./owned', '33:44 4755 ./owned');

e2e('cp copies both ways, into volumes, binds and tmpfs, with -a, -L and archives', async (project) => {
  makeTree(project);
  project.write(STACK);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'cp', 'tree', 'web:/data');
  assert.equal(await listing(project, '/data/tree'), ROOT_OWNED);
  await project.expect(0, 'cp', '-a', 'tree/.', 'web:/memory');
  assert.equal(await listing(project, '/memory'), KEPT);
  await project.expect(0, 'cp', 'tree', 'web:/bind/new');
  assert.equal(readFileSync(join(project.scratch, 'bind/new/sub/deep'), 'utf8'), 'three\n');
  await project.expect(0, 'cp', 'tree/file', 'web:usr/renamed');
  assert.equal(await project.expect(0, 'exec', '-T', 'web', 'cat', '/usr/renamed'), 'one\n');
  assert.equal(existsSync('/usr/renamed'), false);

  const out = (name: string): string => join(project.scratch, name);
  await project.expect(0, 'cp', 'web:/memory', 'out');
  assert.equal(statSync(out('out/owned')).uid, 0);
  assert.equal(statSync(out('out/owned')).mode & 0o7777, 0o755);
  assert.equal(readlinkSync(out('out/link')), '/etc/passwd');
  await project.expect(0, 'cp', '--archive', 'web:/memory/owned', 'kept');
  assert.deepEqual([statSync(out('kept')).uid, statSync(out('kept')).mode & 0o7777], [33, 0o4755]);
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo inside >/data/target; ln -s /data/target /data/absolute');
  await project.expect(0, 'cp', 'web:/data/absolute', '.');
  assert.equal(readlinkSync(out('absolute')), '/data/target');
  await project.expect(0, 'cp', '-L', 'web:/data/absolute', 'followed');
  assert.equal(readFileSync(out('followed'), 'utf8'), 'inside\n');

  const archive = await project.expect(0, 'cp', 'web:/memory', '-');
  const names = execFileSync('tar', ['t'], { input: archive, encoding: 'utf8' }).trim().split('\n').sort();
  assert.deepEqual(names, ['memory/', 'memory/file', 'memory/link', 'memory/owned', 'memory/sub/', 'memory/sub/deep']);
  await project.expect(0, 'exec', 'web', 'mkdir', '/data/unpacked');
  const unpacked = await project.tsstack(['cp', '-', 'web:/data/unpacked'], { stdin: archive });
  assert.equal(unpacked.status, 0, unpacked.stderr);
  assert.equal(await listing(project, '/data/unpacked/memory'), ROOT_OWNED);

  await project.expect(1, 'cp', 'tree/file', 'web:/data/none/file');
  await project.expect(1, 'cp', 'tree', 'web:/data/target');
  await project.expect(1, 'cp', 'tree/file', 'web:/data/none/');
  await project.expect(1, 'cp', 'web:/proc/1/environ', 'environ');
  await project.expect(1, 'cp', 'tree/file', 'web:/proc/1/oom_score_adj');
  await project.expect(1, 'cp', 'none:/data', '.');
  for (const wrong of [['a', 'b'], ['web:/a', 'web:/b'], ['web:/a'], [':/a', 'b']])
    await project.expect(2, 'cp', ...wrong);
});

e2e(
  'cp copies into and out of a container that does not run, volumes included, and leaves no mount',
  async (project) => {
    makeTree(project);
    project.write(STACK);
    await project.expect(0, 'create');
    await project.expect(0, 'cp', 'tree/.', 'web:/data');
    await project.expect(0, 'cp', 'tree', 'web:/usr/tree');
    await project.expect(0, 'cp', 'tree/file', 'web:/bind');
    assert.equal(readFileSync(join(project.scratch, 'bind/file'), 'utf8'), 'one\n');
    await project.expect(0, 'start');
    assert.equal(await listing(project, '/data'), ROOT_OWNED);
    assert.equal(await listing(project, '/usr/tree'), ROOT_OWNED);
    await project.expect(0, 'exec', 'web', 'sh', '-c', 'echo later >/usr/later; ln -s /etc/passwd /data/away');
    await project.expect(0, 'stop');
    await project.expect(0, 'cp', 'web:/usr/later', 'later');
    assert.equal(readFileSync(join(project.scratch, 'later'), 'utf8'), 'later\n');
    await project.expect(0, 'cp', 'web:/data', 'data');
    assert.equal(readFileSync(join(project.scratch, 'data/sub/deep'), 'utf8'), 'three\n');
    assert.deepEqual(holdersOf(project.name), []);
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${project.name}/`));
  },
);

e2e('while cp has a stopped container open, start waits; a killed cp holds nobody up', async (project) => {
  makeTree(project);
  project.write(STACK);
  await project.expect(0, 'create');
  const [program = '', ...args] = project.argv(['cp', '-', 'web:/data']);
  const copying = spawn(program, args, { cwd: project.directory, stdio: ['pipe', 'ignore', 'ignore'] });
  await until('the volume to be seen', async () => holdersOf(project.name).length > 0);
  const start = project.tsstack(['start', 'web']);
  await project.expect(0, 'ls');
  assert.equal((await project.container('web')).status, 'created');
  const exited = once(copying, 'exit');
  copying.kill('SIGKILL');
  await exited;
  assert.equal((await start).status, 0);
  assert.equal((await project.container('web')).status, 'running');
  await until('nobody to hold its files', async () => holdersOf(project.name).length === 0);
});

/** Processes outside of its containers whose root is an overlay of this project: pid and mountinfo tell. */
function holdersOf(name: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
      const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      return (
        /^\S+ \S+ \S+ \S+ \/ .* - overlay /m.test(mounts) &&
        mounts.includes(`/volumes/${name}_data/`) &&
        !cgroup.includes('/tsstack/')
      );
    } catch {
      return false;
    }
  });
}

e2e('no link of a container leads cp to files of this machine, in either direction', async (project) => {
  makeTree(project);
  const beyond = join(project.scratch, 'beyond');
  mkdirSync(beyond);
  writeFileSync(join(beyond, 'secret'), 'of the host\n');
  project.write(STACK);
  await project.expect(0, 'up', '-d');
  const script = `ln -s ${beyond} /data/away; mkdir -p /data/tree; ln -s ${beyond}/secret /data/tree/file; ln -s ../../../../../../../../..${beyond} /data/up`;
  await project.expect(0, 'exec', 'web', 'sh', '-c', script);
  for (const path of [
    '/data/away/secret',
    '/data/up/secret',
    `/data/../../../..${beyond}/secret`,
    '/proc/1/root/etc/hostname',
  ]) {
    const { status, stderr } = await project.tsstack(['cp', `web:${path}`, 'stolen']);
    assert.equal(status, 1, `${path}: ${stderr}`);
  }
  await project.expect(1, 'cp', '-L', 'web:/data/tree/file', 'stolen');
  await project.expect(1, 'cp', 'tree/file', 'web:/data/away/file');
  await project.expect(1, 'cp', 'tree/file', 'web:/data/up/secret');
  await project.expect(0, 'cp', 'tree', 'web:/data');
  assert.equal(existsSync(join(project.scratch, 'stolen')), false);
  assert.deepEqual(readdirSync(beyond), ['secret']);
  assert.equal(readFileSync(join(beyond, 'secret'), 'utf8'), 'of the host\n');

  // What a first copy left on this machine does not lead a second one away.
  await project.expect(0, 'cp', 'web:/data/away', 'copy');
  assert.ok(lstatSync(join(project.scratch, 'copy')).isSymbolicLink());
  await project.expect(0, 'exec', 'web', 'sh', '-c', `mkdir /memory/t; ln -s ${beyond} /memory/t/x`);
  await project.expect(0, 'cp', 'web:/memory/t', 'twice');
  await project.expect(0, 'exec', 'web', 'sh', '-c', 'rm /memory/t/x; mkdir /memory/t/x; echo bad >/memory/t/x/secret');
  await project.expect(1, 'cp', 'web:/memory/t/.', 'twice');
  assert.equal(readFileSync(join(beyond, 'secret'), 'utf8'), 'of the host\n');
});

e2e('cp goes to all replicas, of --index to one, and with --all to one-offs, too', async (project) => {
  makeTree(project);
  project.write(
    'services: { web: { command: [sleep, infinity], stop_grace_period: 10ms, network_mode: none, scale: 2 } }\n',
  );
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'run', '-d', '--name', 'once', 'web', 'sleep', 'infinity');
  await project.expect(0, 'cp', 'tree/file', 'web:/usr/all');
  await project.expect(0, 'cp', '--index', '2', 'tree/file', 'web:/usr/second');
  await project.expect(0, 'cp', '--all', 'tree/file', 'web:/usr/every');
  const has = async (names: readonly string[]): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const [index, name] of ['all', 'second', 'every'].entries()) {
      const { status } = await project.tsstack(['exec', ...names, 'test', '-f', `/usr/${name}`]);
      if (status === 0) found.push(String(index));
    }
    return found;
  };
  assert.deepEqual(await has(['web']), ['0', '2']);
  assert.deepEqual(await has(['--index', '2', 'web']), ['0', '1', '2']);
  const oneOff = (await project.ps()).find(({ name }) => name === 'once');
  assert.deepEqual(await has([oneOff?.service ?? '']), ['2']);
  await project.expect(1, 'cp', 'web:/usr/second', 'first-only');
  await project.expect(0, 'cp', '--index', '2', 'web:/usr/second', 'second');
  await project.expect(1, 'cp', '--index', '3', 'tree/file', 'web:/usr/x');
  const twice = await project.tsstack(['cp', '-', 'web:/usr'], { stdin: '' });
  assert.equal(twice.status, 2, twice.stderr);
});

e2e('in a user namespace the files of cp are of its own users, running or not', async (project) => {
  makeTree(project);
  project.write(STACK.replace('network_mode: none', 'network_mode: none\n    userns_mode: private'));
  await project.expect(0, 'create');
  await project.expect(0, 'cp', 'tree/.', 'web:/data');
  await project.expect(0, 'start');
  assert.equal(await listing(project, '/data'), ROOT_OWNED);
  await project.expect(0, 'cp', '-a', 'tree', 'web:/usr/kept');
  assert.equal(await listing(project, '/usr/kept'), KEPT);
  await project.expect(0, 'cp', '-a', 'web:/usr/kept/owned', 'out');
  assert.equal(statSync(join(project.scratch, 'out')).uid, 33);
});

/** CAP_NET_RAW as `setcap` writes it, and bytes that are no text. */
const CAPABILITY = 'security.capability=0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=';
const BINARY = 'user.binary=0sAAH/Cj0=';

/** What a machine's `getfattr` says of a file of this machine. */
function xattrsOf(path: string): readonly string[] {
  const argv = ['--dump', '--encoding=base64', '--match=^(user|security.capability)', '--absolute-names', path];
  return execFileSync('getfattr', argv, { encoding: 'latin1' }).trim().split('\n').slice(1).toSorted();
}

/** The same, of one in a container, which has this machine's programs. */
async function xattrsInside(project: Project, path: string): Promise<readonly string[]> {
  const argv = ['--dump', '--encoding=base64', '--match=^(user|security.capability)', '--absolute-names', path];
  const said = await project.expect(0, 'exec', '-T', 'web', 'getfattr', ...argv);
  return said.trim().split('\n').slice(1).toSorted();
}

function withXattrs(project: Project): void {
  makeTree(project);
  const input = `# file: ${join(project.scratch, 'tree/owned')}\n${BINARY}\n${CAPABILITY}\n`;
  execFileSync('setfattr', ['--restore=-'], { input });
}

for (const namespace of ['', '\n    userns_mode: private']) {
  const where = namespace === '' ? '' : ' of a user namespace';
  e2e(`cp keeps extended attributes both ways, of a running and a stopped container${where}`, async (project) => {
    withXattrs(project);
    project.write(STACK.replace('network_mode: none', `network_mode: none${namespace}`));
    const out = (name: string): string => join(project.scratch, name);
    await project.expect(0, 'create');
    await project.expect(0, 'cp', '-a', 'tree', 'web:/usr/stopped');
    await project.expect(0, 'start');
    assert.deepEqual(await xattrsInside(project, '/usr/stopped/owned'), [CAPABILITY, BINARY]);
    await project.expect(0, 'cp', '-a', 'tree/.', 'web:/data');
    assert.deepEqual(await xattrsInside(project, '/data/owned'), [CAPABILITY, BINARY]);
    await project.expect(0, 'cp', 'tree', 'web:/usr/given');
    assert.deepEqual(await xattrsInside(project, '/usr/given/owned'), [BINARY]);

    await project.expect(0, 'cp', '-a', 'web:/data/.', 'running');
    assert.deepEqual(xattrsOf(out('running/owned')), [CAPABILITY, BINARY]);
    await project.expect(0, 'cp', 'web:/data/owned', 'given');
    assert.deepEqual(xattrsOf(out('given')), [BINARY]);
    const bytes = (args: readonly string[], input: Buffer | string = ''): Buffer => {
      const [program = '', ...argv] = project.argv(args);
      return execFileSync(program, argv, { cwd: project.directory, input });
    };
    const tar = bytes(['cp', 'web:/data', '-']);
    mkdirSync(out('tar'));
    execFileSync('tar', ['x', '--xattrs', '--xattrs-include=*', '-C', out('tar')], { input: tar });
    assert.deepEqual(xattrsOf(out('tar/data/owned')), [CAPABILITY, BINARY]);
    await project.expect(0, 'exec', 'web', 'mkdir', '/usr/tar');
    bytes(['cp', '-a', '-', 'web:/usr/tar'], tar);
    assert.deepEqual(await xattrsInside(project, '/usr/tar/data/owned'), [CAPABILITY, BINARY]);

    await project.expect(0, 'stop');
    await project.expect(0, 'cp', '-a', 'web:/usr/stopped', 'stopped');
    assert.deepEqual(xattrsOf(out('stopped/owned')), [CAPABILITY, BINARY]);
  });
}

e2e('cp of a directory or a file into a mount of itself ends, and loses nothing', async (project) => {
  mkdirSync(join(project.scratch, 'bind'));
  writeFileSync(join(project.scratch, 'bind/file'), 'one\n');
  writeFileSync(join(project.scratch, 'mounted'), 'two\n');
  project.write(STACK.replace("'./bind:/bind'", "'./bind:/bind', './mounted:/mounted'"));
  await project.expect(0, 'up', '-d');
  const { status, stderr } = await project.tsstack(['cp', join(project.scratch, 'bind'), 'web:/bind']);
  assert.deepEqual([status, stderr], [0, ''], stderr);
  assert.deepEqual(readdirSync(join(project.scratch, 'bind'), { recursive: true }).toSorted(), [
    'bind',
    'bind/file',
    'file',
  ]);
  for (const [from, to] of [
    [join(project.scratch, 'mounted'), 'web:/mounted'],
    ['web:/mounted', join(project.scratch, 'mounted')],
  ]) {
    await project.expect(0, 'cp', from ?? '', to ?? '');
    assert.equal(readFileSync(join(project.scratch, 'mounted'), 'utf8'), 'two\n');
  }
});
