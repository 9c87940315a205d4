import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { buildLaunch } from '../../src/runtime/launch.ts';
import { configText } from '../../src/runtime/oci/config.ts';
import { runtimeTraits } from '../../src/runtime/oci/runtimes.ts';
import { ociConfig } from '../../src/runtime/oci/spec.ts';
import { containerSpec, launchConfig, SECURITY } from '../helpers/launch-config.ts';

const OCI = {
  program: '/usr/bin/crun',
  deviceRules: [
    { type: 'char', major: 1, minor: 3, permissions: 'rwm' },
    { type: 'block', major: '*', minor: '*', permissions: 'm' },
  ],
  deviceDirectories: ['/dev/snd'],
} as const;

function ociLaunchConfig(changes: Partial<LaunchConfig> = {}): LaunchConfig {
  return launchConfig({ oci: OCI, ...changes });
}

const { namespaces } = containerSpec();

/** Configurations that touch every field which is written. */
const CONFIGS: Readonly<Record<string, LaunchConfig>> = {
  simple: ociLaunchConfig(),
  full: ociLaunchConfig({
    spec: containerSpec({
      argv: ['server', '--flag'],
      env: { GREETING: "it's \u0001123" },
      workingDir: '/srv/app',
      domainname: 'example',
      init: true,
      tty: true,
      stdinOpen: true,
      readOnly: true,
      ulimits: { nofile: { soft: 100, hard: -1 } },
      security: {
        ...SECURITY,
        noNewPrivileges: true,
        devices: [{ source: '/dev/snd', target: '/dev/snd', permissions: 'rw' }],
      },
      sysctls: { 'net.core.somaxconn': '1024', 'kernel.msgmax': '9000' },
      resources: { oomScoreAdj: 500 },
    }),
    identity: { uid: 1000, gid: 1000, groups: [1000, 20], home: '/home/app' },
    rootfs: { lower: ['/host/base'], overlays: [{ target: '/usr', lower: ['/host/usr'] }] },
    mounts: [
      { type: 'bind', source: '/host/data', sourceIsDirectory: true, target: '/data', readOnly: true },
      {
        type: 'bind',
        source: '/host/shared',
        sourceIsDirectory: true,
        target: '/shared',
        readOnly: false,
        propagation: 'rshared',
      },
      { type: 'tmpfs', target: '/tmp', readOnly: false, options: 'mode=1777,size=1000000' },
      { type: 'bind', source: '/host/x', sourceIsDirectory: false, target: '/dev/x', readOnly: false },
    ],
  }),
  mapped: ociLaunchConfig({ spec: containerSpec({ namespaces: { ...namespaces, user: 'private' } }) }),
  host: ociLaunchConfig({
    oci: { ...OCI, deviceRules: 'all' },
    network: { type: 'host' },
    spec: containerSpec({
      security: { ...SECURITY, privileged: true },
      namespaces: { ...namespaces, pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host' },
    }),
  }),
};

function validator(): ReturnType<Ajv2020['compile']> {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const load = (name: string) => {
    const text = readFileSync(new URL(`../../schema/oci/${name}`, import.meta.url), 'utf8');
    const { $schema: _draft4, ...schema } = JSON.parse(text) as {
      $schema?: string;
      properties?: Record<string, unknown>;
    };
    return schema;
  };
  for (const name of ['config-linux.json', 'defs.json', 'defs-linux.json']) ajv.addSchema(load(name), name);
  const { properties = {}, ...schema } = load('config-schema.json');
  const { solaris: _1, windows: _2, vm: _3, zos: _4, freebsd: _5, ...ours } = properties;
  return ajv.compile({ ...schema, properties: ours });
}

const validate = validator();

for (const [name, config] of Object.entries(CONFIGS)) {
  test(`config.json of the ${name} container is valid by the OCI runtime specification's schema`, () => {
    const value: unknown = JSON.parse(configText(ociConfig(config)));
    assert.ok(validate(value), JSON.stringify(validate.errors, undefined, 2));
  });

  test(`buildLaunch() of the ${name} container for crun gives the script and calls of golden/oci-${name}.txt`, () => {
    const file = new URL(`golden/oci-${name}.txt`, import.meta.url);
    const { script, listing, bundle } = buildLaunch(config);
    const { linux, ...rest } = ociConfig(config);
    const { seccomp: _, ...shown } = linux;
    const text = [
      script,
      listing,
      ...(bundle?.directories ?? []),
      ...(bundle?.files ?? []).map(({ path }) => path),
      configText({ ...rest, linux: shown }),
    ].join('\n');
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });

  test(`the script of the ${name} container is a shell script`, () => {
    const { script } = buildLaunch(config);
    assert.equal(spawnSync('sh', ['-n'], { input: script }).status, 0, script);
  });
}

test('a schema that takes everything would not have refused this', () => {
  const value = JSON.parse(configText(ociConfig(CONFIGS['simple'] ?? ociLaunchConfig()))) as { process: object };
  assert.equal(validate({ ...value, process: { ...value.process, cwd: 5 } }), false);
  assert.equal(validate({ ...value, linux: { namespaces: [{ type: 'planet' }] } }), false);
});

test('configText() writes a limit without a limit in full, and text that looks like one as text', () => {
  const text = configText(ociConfig(CONFIGS['full'] ?? ociLaunchConfig()));
  assert.match(text, /"hard": 18446744073709551615$/m);
  assert.match(text, /"GREETING=it's \\u0001123"/);
});

test('the seccomp rules are those that apply: to the capabilities, the architecture and the kernel', () => {
  const names = (changes: Partial<LaunchConfig>) =>
    new Set(ociConfig(ociLaunchConfig(changes)).linux.seccomp?.syscalls.flatMap((each) => each.names));
  const admin = containerSpec({ security: { ...SECURITY, capAdd: ['SYS_ADMIN'] } });
  assert.ok(!names({}).has('mount'));
  assert.ok(names({ spec: admin }).has('mount'));
  const unconfined = containerSpec({ security: { ...SECURITY, seccomp: 'unconfined' } });
  assert.equal(ociConfig(ociLaunchConfig({ spec: unconfined })).linux.seccomp, undefined);
});

test('systempaths=unconfined leaves no path masked or read-only, and ipc: none no shared memory', () => {
  const open = ociConfig(
    ociLaunchConfig({ spec: containerSpec({ security: { ...SECURITY, systemPaths: 'unconfined' } }) }),
  );
  assert.deepEqual([open.linux.maskedPaths, open.linux.readonlyPaths], [[], []]);
  const { mounts, linux } = ociConfig(
    ociLaunchConfig({ spec: containerSpec({ namespaces: { ...namespaces, ipc: 'none' } }) }),
  );
  assert.ok(!mounts.some(({ destination }) => destination === '/dev/shm'));
  assert.ok(linux.namespaces.some(({ type }) => type === 'ipc'));
});

test('labels are those of a built-in start, and none is left out silently', () => {
  const security = { ...SECURITY, appArmor: 'strict', seLinux: { type: 'other_t' } };
  const spec = containerSpec({ security });
  const { kernel } = ociLaunchConfig();
  const labels = {
    appArmor: { file: '/proc/thread-self/attr/exec' },
    seLinux: { file: '/proc/thread-self/attr/exec', context: 'system_u:system_r:container_t:s0' },
  };
  const { apparmorProfile, selinuxLabel } = ociConfig(ociLaunchConfig({ spec, kernel: { ...kernel, labels } })).process;
  assert.deepEqual([apparmorProfile, selinuxLabel], ['strict', 'system_u:system_r:other_t:s0']);
  assert.throws(() => ociConfig(ociLaunchConfig({ spec })), /This machine has no AppArmor/);
});

test('flags of a seccomp profile are handed on, and a rule that says the same as the default is not', () => {
  const seccompProfile = JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    syscalls: [
      { names: ['mount'], action: 'SCMP_ACT_KILL' },
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
    ],
  });
  const spec = containerSpec({ security: { ...SECURITY, seccomp: '/p.json' } });
  assert.deepEqual(ociConfig(ociLaunchConfig({ spec, seccompProfile })).linux.seccomp, {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    flags: ['SECCOMP_FILTER_FLAG_LOG'],
    syscalls: [{ names: ['mount'], action: 'SCMP_ACT_KILL' }],
  });
  assert.throws(() => ociConfig(ociLaunchConfig({ spec })), /\/p\.json could not be read/);
});

test('cgroup v1: the device rules are written again when a runtime has added its own, and not for who has all', () => {
  const script = (oci: Partial<LaunchConfig['oci']>) => {
    const config = ociLaunchConfig({ cgroupJoinFiles: ['/sys/fs/cgroup/devices/tsstack/demo/web.1/cgroup.procs'] });
    const { kernel } = config;
    const cgroupMounts = [...kernel.cgroupMounts, { path: '/sys/fs/cgroup/devices', options: 'devices' }];
    return buildLaunch({ ...config, kernel: { ...kernel, cgroupMounts }, oci: { ...OCI, ...oci } }).script;
  };
  const runc = script({ program: '/usr/bin/runc' });
  const again =
    /create .*\n.*\n +echo a >\S+web\.1\/devices\.deny .*\n +for rule in 'c 1:3 rwm' 'b \*:\* m'; do\n.*devices\.allow/;
  assert.match(runc, again);
  assert.equal(spawnSync('sh', ['-n'], { input: runc }).status, 0, runc);
  assert.doesNotMatch(script({ program: '/usr/bin/runc', deviceRules: 'all' }), /devices\.deny/);
  assert.doesNotMatch(script({}), /devices\.deny/);
});

test('cgroup v2: the device program of a built-in start takes the place of the one that a runtime has attached', () => {
  const devices = { cgroup: '/sys/fs/cgroup/tsstack/demo/web.1', rules: OCI.deviceRules };
  const launch = (program: string) => buildLaunch(ociLaunchConfig({ devices, oci: { ...OCI, program } }));
  const made = ({ bundle }: ReturnType<typeof launch>) =>
    bundle?.files.filter(({ path }) => path.endsWith('/oci/devices')).map(({ mode }) => mode);
  const runc = launch('/usr/bin/runc');
  assert.match(runc.script, /create .*\n.*\n +\S+\/oci\/devices 2>.* \|\| fail \$\? '.*'\n.*\n.*\n.*\n.* start /);
  assert.deepEqual(made(runc), [0o700]);
  assert.match(runc.listing, /take away the device program of an earlier start/);
  assert.equal(spawnSync('sh', ['-n'], { input: runc.script }).status, 0, runc.script);
  const crun = launch('/usr/bin/crun');
  assert.deepEqual(made(crun), []);
  assert.match(crun.listing, /let it decide about devices/);
  const other = launch('/usr/bin/runsc');
  assert.deepEqual(made(other), []);
  assert.doesNotMatch(other.listing, /device program|decide about devices/);
});

test('runtimeTraits() goes by the name of the program', () => {
  assert.deepEqual(runtimeTraits('/usr/bin/crun'), { name: 'crun', namespaces: true, leavesCgroups: true });
  assert.deepEqual(runtimeTraits('/opt/runc-1.2'), { name: 'runc-1.2', namespaces: true, leavesCgroups: false });
  assert.deepEqual(runtimeTraits('/usr/bin/runsc'), { name: 'runsc', namespaces: false, leavesCgroups: false });
});
