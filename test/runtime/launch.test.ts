import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { execProgram } from '../../src/runtime/exec-program.ts';
import { buildLaunch } from '../../src/runtime/launch.ts';
import { launchProgram } from '../../src/runtime/launch-program.ts';
import { execBase } from '../helpers/kernel-container.ts';
import { containerSpec, FACTS, launchConfig, SECURITY } from '../helpers/launch-config.ts';
import { simulate } from '../helpers/launcher-simulator.ts';

/** Everything that a stack file can ask of a launch, at once. */
function fullConfig(): LaunchConfig {
  const config = launchConfig();
  return launchConfig({
    spec: containerSpec({
      argv: ['server', '--flag'],
      env: { PATH: '/app/bin:/bin', GREETING: "it's" },
      workingDir: '/srv/app',
      domainname: 'example',
      init: true,
      stdinOpen: true,
      readOnly: true,
      ulimits: { nofile: { soft: 100, hard: 200 } },
      security: {
        ...SECURITY,
        noNewPrivileges: true,
        devices: [{ source: '/host/dev/snd', target: '/dev/snd', permissions: 'rw' }],
      },
      namespaces: { ...config.spec.namespaces, cgroup: 'host', ipc: 'host' },
      sysctls: { 'net.core.somaxconn': '1024' },
    }),
    rootfs: {
      lower: ['/host/base'],
      overlays: [
        { target: '/usr', lower: ['/host/usr'] },
        { target: '/usr/local', lower: ['/host/local', '/host/local2'] },
      ],
    },
    mounts: [
      { type: 'bind', source: '/host/data', sourceIsDirectory: true, target: '/data/deep', readOnly: true },
      {
        type: 'bind',
        source: '/host/file',
        sourceIsDirectory: false,
        target: '/data',
        readOnly: false,
        propagation: 'rshared',
      },
      {
        type: 'bind',
        source: '/host/vol',
        subpath: 'sub/path',
        sourceIsDirectory: true,
        target: '/v',
        readOnly: false,
      },
      {
        type: 'bind',
        source: '/host/cpuinfo',
        sourceIsDirectory: false,
        target: '/proc/cpuinfo',
        readOnly: true,
        propagation: 'rslave',
      },
      { type: 'tmpfs', target: '/tmp', readOnly: false, options: 'size=1m,exec,mode=1777' },
    ],
    identity: { uid: 1000, gid: 100, groups: [100, 7], home: '/home/me' },
  });
}

const USER_NAMESPACE = { ...containerSpec().namespaces, user: 'private' } as const;

/** What a user namespace makes different. */
function mappedConfig(): LaunchConfig {
  const { rootfs } = fullConfig();
  const bind = {
    type: 'bind',
    source: '/host/data',
    sourceIsDirectory: true,
    target: '/data',
    readOnly: true,
  } as const;
  const tmpfs = { type: 'tmpfs', target: '/tmp', readOnly: false, options: 'mode=1777,uid=33,gid=44' } as const;
  return launchConfig({ spec: containerSpec({ namespaces: USER_NAMESPACE }), rootfs, mounts: [bind, tmpfs] });
}

/** What the namespaces of an ordinary user make different. */
function rootlessConfig(): LaunchConfig {
  const { rootfs } = fullConfig();
  const kernel = { ...FACTS, userNamespace: true, lastGid: 65_535, cgroupVersion: 1, cgroupMounts: [] } as const;
  return launchConfig({ rootfs, kernel, cgroupJoinFiles: [] });
}

const CONFIGS = { simple: launchConfig(), full: fullConfig(), mapped: mappedConfig(), rootless: rootlessConfig() };

for (const [name, config] of Object.entries(CONFIGS)) {
  test(`buildLaunch() of the ${name} container gives the script and the calls of golden/launch-${name}.txt`, () => {
    const file = new URL(`golden/launch-${name}.txt`, import.meta.url);
    const { script, listing, directories } = buildLaunch(config);
    const text = `${script}\n${listing}\n${directories.join('\n')}\n`;
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });

  test(`the ${name} launcher uses only open descriptors and leaves none behind, whichever tolerated errors happen`, () => {
    const calls = launchProgram(config);
    const tolerant = calls.flatMap((call, index) => (call.tolerate.length > 0 && !call.executes ? [index] : []));
    const expected = simulate(calls, new Set(), [0, 1, 2, 3, 9]).open;
    // Beside the standard ones: the status pipe, closed on execution.
    assert.equal(expected.length, 4);
    assert.deepEqual(simulate(calls, new Set(tolerant), [0, 1, 2, 3, 9]).open, expected, 'all of them');
    for (const failing of tolerant) {
      assert.deepEqual(simulate(calls, new Set([failing]), [0, 1, 2, 3, 9]).open, expected, calls[failing]?.words);
    }
  });

  test(`the ${name} launcher is stopped by every call that protects and fails`, () => {
    const exec = execProgram({ ...execBase(config, 7), argv: ['true'], tty: false });
    const tolerant = [...launchProgram(config), ...exec].filter(
      ({ tolerate, executes }) => tolerate.length > 0 && !executes,
    );
    // Something is there already, or is not there at all; what nobody asked for; a look.
    const harmless =
      /^(make (directory|an empty file|pipe) |remove .*, which runs$|see whether |mask |take \/proc\/|set oom_score_adj to 0$|close 4$|be who orphans go to$)/;
    const defaults = /^open sysctl net\.ipv4\.(ping_group_range|ip_unprivileged_port_start)$/;
    const files = /^mount it on \/etc\/(hosts|hostname|resolv\.conf)$/;
    // A kernel without keys.
    const keys = tolerant.filter(({ name: call, tolerate }) => call === 'keyctl' && tolerate.join() === '38');
    const others = tolerant
      .filter((call) => !keys.includes(call))
      .filter(({ words }) => ![harmless, defaults, files].some((each) => each.test(words)));
    assert.deepEqual(
      others.map(({ name: call, words }) => `${call}: ${words}`),
      [],
    );
    const masks = tolerant.filter(({ words }) => /^(mask|take) /.test(words));
    assert.ok(
      masks.every(({ tolerate }) => tolerate.join() === '2'),
      'only what is not there needs no mask',
    );
  });

  test(`the ${name} launcher looks up nothing of the container before the root changes, and nothing of the host after`, () => {
    const { pathsBefore, pathsAfter } = simulate(launchProgram(config), new Set(), [0, 1, 2, 3, 9]);
    const ofHost =
      /^\/(host|images|var\/lib\/tsstack|run\/netns)\/|^\/proc\/self(\/(fd|oom_score_adj))?$|^\/(dev\/(shm|null|zero|full|random|urandom|tty)|sys\/fs\/cgroup)?$/;
    assert.deepEqual(
      pathsBefore.filter((path) => !ofHost.test(path)),
      [],
    );
    assert.deepEqual(
      pathsAfter.filter((path) => /^\/(host|images|var\/lib\/tsstack|run\/netns)\//.test(path)),
      [],
    );
  });
}

test('buildLaunch() mounts volumes before /proc, and only those below it afterwards', () => {
  const { listing } = buildLaunch(fullConfig());
  const at = (words: string) => {
    const index = listing.indexOf(words);
    assert.ok(index >= 0, words);
    return index;
  };
  assert.ok(at('mount it on /data\n') < at('mount it on /data/deep\n'), 'parents first, whatever the order written');
  assert.ok(at('mount it on /data/deep\n') < at('mount proc on /proc '));
  assert.ok(at('mount it on /proc/sys\n') < at('mount it on /proc/cpuinfo\n'));
  assert.ok(at('set sysctl net.core.somaxconn') < at('take /proc/sys\n'));
});

test('buildLaunch() quotes every name in the script', () => {
  const hostile = `/tmp/a b'$(touch /tmp/pwned)"\`;&\n-`;
  const config = launchConfig();
  const paths = { ...config.paths, log: `${hostile}/log`, launcher: `${hostile}/launcher`, exit: `${hostile}/exit` };
  const { script } = buildLaunch({ ...config, paths, cgroupJoinFiles: [`${hostile}/cgroup.procs`] });
  const words = `'${hostile.replaceAll("'", `'\\''`)}`;
  for (const name of ['log', 'launcher', 'exit', 'cgroup.procs']) assert.ok(script.includes(`${words}/${name}'`), name);
  assert.equal(spawnSync('/bin/sh', ['-n'], { input: script }).status, 0);
});

test('buildLaunch() keeps a name with a line break from becoming a line of the script or the listing', () => {
  const text = 'web\ntouch /tmp/pwned';
  const { script, listing } = buildLaunch(launchConfig({ spec: containerSpec({ name: text, hostname: text }) }));
  assert.doesNotMatch(script + listing, /^touch/m);
});

test('buildLaunch() puts a filter before the ids are dropped, and last with no_new_privs', () => {
  const order = (noNewPrivileges: boolean) => {
    const spec = containerSpec({ security: { ...SECURITY, noNewPrivileges } });
    return launchProgram(launchConfig({ spec }))
      .map(({ name }) => name)
      .filter((name) => name === 'seccomp' || name === 'setresuid' || name === 'capset');
  };
  assert.deepEqual(order(false), ['seccomp', 'setresuid', 'capset']);
  assert.deepEqual(order(true), ['setresuid', 'capset', 'seccomp']);
});

test('buildLaunch() installs no filter and masks nothing for a privileged container', () => {
  const { listing } = buildLaunch(
    launchConfig({ spec: containerSpec({ security: { ...SECURITY, privileged: true } }) }),
  );
  assert.doesNotMatch(listing, /seccomp|mask \/|sysfs on \/sys \(ro/);
  assert.match(listing, /set capabilities to 000001ffffffffff/);
});

test('buildLaunch() keeps devices out of every mount where no cgroup can', () => {
  const config = fullConfig();
  const { listing } = buildLaunch({ ...config, kernel: { ...config.kernel, cgroupVersion: 2, cgroupMounts: [] } });
  assert.match(listing, /mount the overlay of \/ /);
  assert.match(listing, /make \/host\/data private,ro,nodev\n/);
  assert.doesNotMatch(listing, /MKNOD/);
});

test('buildLaunch() names layers by number, so that a hundred long paths fit into a page of options', () => {
  const lower = Array.from({ length: 127 }, (_, index) => `/images/${'long'.repeat(40)}/${index}`);
  const overlay = launchProgram(launchConfig({ rootfs: { lower, overlays: [] } })).find(
    ({ args }) => args[0] === 'overlay',
  );
  assert.ok(String(overlay?.args[4]).length < 1024);
});

test('buildLaunch() binds directories with mounts below them in a user namespace, where no overlay can have them', () => {
  const config = fullConfig();
  const overlays = [
    { target: '/usr', lower: ['/host/usr'], holdsMounts: true },
    { target: '/usr/local', lower: ['/host/local'] },
    { target: '/opt', lower: ['/host/opt'] },
  ] as const;
  const rootfs = { ...config.rootfs, overlays };
  const calls = (kernel: LaunchConfig['kernel']) =>
    buildLaunch({ ...config, rootfs, kernel }).listing.match(
      /mount the overlay of \/(usr|opt)\S*|(take|make) \/host\/usr.*/g,
    );
  assert.deepEqual(calls({ ...config.kernel, userNamespace: true }), [
    'take /host/usr',
    'make /host/usr private,ro,nosuid',
    'mount the overlay of /opt',
  ]);
  assert.deepEqual(
    calls(config.kernel),
    ['/usr', '/usr/local', '/opt'].map((each) => `mount the overlay of ${each}`),
  );
});

for (const [what, changes] of [
  ['a privileged user namespace', { namespaces: USER_NAMESPACE, security: { ...SECURITY, privileged: true } }],
  ['a sysctl of the host', { sysctls: { 'kernel.panic': '1' } }],
  ['an unknown ulimit', { ulimits: { files: { soft: 1, hard: 1 } } }],
  ['an unknown capability', { security: { ...SECURITY, capAdd: ['FLY'] } }],
  ['a NUL byte', { env: { A: 'x\0y' } }],
  ['an unread profile', { security: { ...SECURITY, seccomp: '/etc/profile.json' } }],
] as const) {
  test(`buildLaunch() refuses ${what}`, () => {
    assert.throws(() => buildLaunch(launchConfig({ spec: containerSpec(changes) })), { name: 'TsstackError' });
  });
}

test('buildLaunch() refuses a user namespace on a kernel whose overlays cannot have id-mapped layers', () => {
  const config = mappedConfig();
  const kernel = { ...config.kernel, version: [5, 18] } as const;
  assert.throws(() => buildLaunch({ ...config, kernel }), { code: 'unsupported-host' });
});

test('buildLaunch() refuses ids that a user namespace does not have', () => {
  const config = mappedConfig();
  const identity = { uid: 0, gid: 0, groups: [65_536], home: '/' };
  assert.throws(() => buildLaunch({ ...config, identity }), { code: 'launch-failed' });
  const tmpfs = { type: 'tmpfs', target: '/tmp', readOnly: false, options: 'gid=65536' } as const;
  assert.throws(() => buildLaunch({ ...config, mounts: [tmpfs] }), { code: 'launch-failed' });
});

test('the launcher enters the user namespace after every mount and limit, and before the filter and the ids', () => {
  const names = launchProgram(mappedConfig()).map(({ name, words }) => (name === 'setns' ? words : name));
  const entered = names.indexOf('enter the user namespace');
  for (const name of ['mount', 'move_mount', 'mount_setattr', 'sethostname', 'prlimit64', 'mknodat', 'chdir']) {
    assert.ok(names.lastIndexOf(name) < entered, name);
  }
  for (const name of ['seccomp', 'prctl', 'setgroups', 'setresuid']) assert.ok(names.indexOf(name) > entered, name);
});

test('an oom_score_adj that is asked for is set or the start fails; the default is not worth that', () => {
  const written = (resources: object) =>
    launchProgram(launchConfig({ spec: containerSpec({ resources }) })).find(({ words }) =>
      /^set oom_score/.test(words),
    );
  assert.deepEqual([written({})?.tolerate, written({ oomScoreAdj: 0 })?.tolerate], [[13, 1], []]);
});
