import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDelegation } from '../../src/cli/rootless/delegation.ts';
import {
  checkIds,
  checkMapTool,
  checkOverlay,
  checkTrial,
  checkTun,
  checkUplink,
  checkUserNamespaces,
} from '../../src/cli/rootless/requirements.ts';
import { userPaths } from '../../src/cli/user-paths.ts';

describe('checkUserNamespaces()', () => {
  const check = (settings: Readonly<Record<string, string>>) =>
    checkUserNamespaces(
      (path) => settings[path.replace('/proc/sys/', '').replaceAll('/', '.')],
      () => 'cannot change root filesystem propagation: Permission denied',
    );

  it('names the setting that forbids them, and the command that allows them', () => {
    assert.equal(check({ 'user.max_user_namespaces': '63000\n' }).status, 'ok');
    const forbidden = [
      { 'kernel.unprivileged_userns_clone': '0' },
      { 'user.max_user_namespaces': '0' },
      { 'kernel.apparmor_restrict_unprivileged_userns': '1' },
    ].map((setting) => check({ 'user.max_user_namespaces': '63000', ...setting }).fix);
    assert.deepEqual(forbidden, [
      'sudo sysctl -w kernel.unprivileged_userns_clone=1',
      'sudo sysctl -w user.max_user_namespaces=15000',
      'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ]);
    assert.equal(check({}).status, 'missing', 'a kernel without them');
  });

  it('lets AppArmor forbid them to others than unshare', () => {
    const restricted = (path: string) => (path.includes('apparmor') ? '1\n' : '63000\n');
    const { status, found } = checkUserNamespaces(restricted, () => undefined);
    assert.deepEqual([status, found], ['ok', 'AppArmor lets unshare make them']);
  });
});

describe('checkTrial()', () => {
  it('repeats what the programs say that make them', () => {
    assert.equal(checkTrial(() => undefined).status, 'ok');
    const said = 'newuidmap: write to uid_map failed: Operation not permitted';
    assert.deepEqual(
      checkTrial((options) => (options.includes('--map-auto') ? said : undefined)),
      {
        name: 'namespaces of this user',
        status: 'missing',
        found: `cannot be made: ${said}`,
        fix: 'sudo apt-get install --reinstall -y uidmap',
      },
    );
    assert.equal(checkTrial(() => 'unshare: unshare failed: No space left on device').fix, undefined);
  });
});

describe('checkMapTool()', () => {
  it('names the package', () => {
    assert.equal(checkMapTool('newuidmap', () => '/usr/bin/newuidmap').status, 'ok');
    const { status, fix } = checkMapTool('newgidmap', () => undefined);
    assert.deepEqual([status, fix], ['missing', 'sudo apt-get install -y uidmap']);
  });
});

describe('checkUplink()', () => {
  const header = 'Iface\tDestination\tGateway\tFlags\n';
  const route = `${header}eth0\t00000000\t010200C0\t0003\n`;
  const check = (routes: string, ...tools: readonly string[]) =>
    checkUplink((tool) => (tools.includes(tool) ? `/usr/bin/${tool}` : undefined), routes);

  it('names both where they are, and the package where none is', () => {
    assert.equal(check(route, 'pasta', 'slirp4netns').found, '/usr/bin/pasta, /usr/bin/slirp4netns');
    assert.equal(check(route, 'pasta').status, 'ok');
    const { found, fix } = check(route);
    assert.deepEqual([found, fix], ['neither is there', 'sudo apt-get install -y passt']);
  });

  it('does not take pasta where the machine has no default route', () => {
    assert.equal(check(header, 'slirp4netns').status, 'ok');
    const { status, found, fix } = check(`${header}eth0\t000200C0\t00000000\t0001\n`, 'pasta');
    assert.equal(status, 'missing');
    assert.match(found, /needs a default route/);
    assert.equal(fix, 'sudo apt-get install -y slirp4netns');
  });
});

describe('checkTun()', () => {
  it('tells a node that is not there, one without a driver, and one that is closed to the user', () => {
    const failing = (code: string) =>
      checkTun(() => {
        throw Object.assign(new Error(code), { code });
      });
    assert.equal(checkTun(() => undefined).status, 'ok');
    assert.deepEqual(
      ['ENOENT', 'ENODEV', 'EACCES'].map((code) => [failing(code).found, failing(code).fix]),
      [
        ['not there', 'sudo modprobe tun'],
        ['cannot be opened: ENODEV', 'sudo modprobe tun'],
        ['cannot be opened: EACCES', 'sudo chmod 666 /dev/net/tun'],
      ],
    );
  });
});

describe('checkIds()', () => {
  const me = { username: 'me', uid: 1000 };

  it('takes a line by name or by number', () => {
    assert.equal(checkIds('/etc/subuid', 'me:100000:65536\n', me).status, 'ok');
    assert.equal(checkIds('/etc/subuid', 'other:1:65536\n1000:200000:65536\n', me).found, '65536 ids from 200000 on');
  });

  it('offers a range that nobody has', () => {
    const { status, fix } = checkIds('/etc/subgid', 'other:100000:65536\n', me);
    assert.equal(status, 'missing');
    assert.equal(fix, 'sudo usermod --add-subgids 165536-231071 me');
  });

  it('warns of a range in which not every id of an image has a place', () => {
    assert.equal(checkIds('/etc/subuid', 'me:100000:1000\n', me).status, 'warning');
  });
});

describe('checkDelegation()', () => {
  const cgroup = '/sys/fs/cgroup/user.slice/run-1.scope';
  const facts = {
    own: '0::/user.slice/run-1.scope\n',
    mountinfo: '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    isWritable: () => true,
    read: () => '7\n',
    pid: 7,
    taken: '',
  };

  it('wants directory and files of the own cgroup to be writable', () => {
    const asked: string[] = [];
    const isWritable = (path: string) => asked.push(path) > 0;
    assert.equal(checkDelegation({ ...facts, isWritable }).status, 'ok');
    assert.deepEqual(asked, [cgroup, `${cgroup}/cgroup.procs`, `${cgroup}/cgroup.subtree_control`]);
    const { status, found, fix } = checkDelegation({ ...facts, isWritable: () => false });
    assert.equal(status, 'warning');
    assert.match(found, /^\/user\.slice\/run-1\.scope is not this user's: mem_limit.* not kept$/);
    assert.match(fix ?? '', /^systemd-run --user --scope -p Delegate=yes /);
  });

  it('wants nobody else in it: the kernel hands no controllers down from a cgroup that holds processes', () => {
    const { status, found, fix } = checkDelegation({ ...facts, read: () => '5\n7\n' });
    assert.equal(status, 'warning');
    assert.match(found, /holds other processes too \(5\): mem_limit/);
    assert.match(fix ?? '', /^systemd-run /);
  });

  it('finds none on a machine whose controllers are those of version 1', () => {
    const mountinfo = `${facts.mountinfo}\n33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory`;
    assert.match(checkDelegation({ ...facts, mountinfo }).found, /cgroup v1/);
  });

  it('tells what is in use, from whatever session it is asked', () => {
    const elsewhere = { ...facts, isWritable: () => false };
    const used = checkDelegation({ ...elsewhere, taken: JSON.stringify({ cgroup }) });
    assert.deepEqual([used.status, used.found], ['ok', `${cgroup}, in use`]);
    const unused = checkDelegation({
      ...facts,
      taken: JSON.stringify({ cgroupProblem: 'cgroup /x was not delegated' }),
    });
    assert.equal(unused.status, 'warning');
    assert.match(unused.found, /^cgroup \/x was not delegated, and that stays until every stack is down: /);
  });
});

describe('checkOverlay()', () => {
  it('needs 5.12, compared as numbers', () => {
    assert.deepEqual(
      ['5.11.0', '5.12.0', '6.1.0-30-amd64'].map((version) => checkOverlay(version).status),
      ['missing', 'ok', 'ok'],
    );
  });
});

describe('userPaths()', () => {
  it('are below the XDG directories; one that is not absolute does not count', () => {
    assert.deepEqual(userPaths({ XDG_DATA_HOME: '/data/', XDG_RUNTIME_DIR: '/runtime' }), {
      state: '/data/tsstack',
      run: '/runtime/tsstack',
    });
    assert.match(userPaths({ XDG_DATA_HOME: 'data', XDG_RUNTIME_DIR: '' }).state, /\/\.local\/share\/tsstack$/);
    assert.match(userPaths({}).run, /^\/run\/user\/\d+\/tsstack$/);
  });
});
