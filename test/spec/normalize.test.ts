import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../src/model/stack.ts';
import { loadText } from './load-text.ts';

/** A service `{…}` that runs a program of the machine. */
function service(body: string, rest = ''): Service {
  const found = loadText(`services: {a: ${body.replace('{', '{command: [run], ')}}\n${rest}`).stack.services['a'];
  assert.ok(found !== undefined);
  return found;
}

test('the source of a root is the host, a folder, a file on disk or a registry reference', () => {
  assert.deepEqual(service('{}').source, { type: 'host' });
  assert.deepEqual(service('{x-rootfs: ./root}').source, { type: 'rootfs', path: '/project/root' });
  assert.deepEqual(service('{image: "oci:img:v1"}').source, { type: 'oci', path: '/project/img', tag: 'v1' });
  assert.deepEqual(service('{image: "oci-archive:/a/b.tar"}').source, { type: 'oci-archive', path: '/a/b.tar' });
  assert.deepEqual(service('{image: "docker-archive:./b.tar:x:1"}').source, {
    type: 'docker-archive',
    path: '/project/b.tar',
    tag: 'x:1',
  });
  assert.deepEqual(service('{image: "nginx:1"}').source, { type: 'reference', reference: 'nginx:1' });
});

test('both syntaxes of a limit end in the same place', () => {
  const old = service('{mem_limit: 64m, cpus: "0.5", pids_limit: 9, mem_reservation: 32m}');
  const limits = 'limits: {memory: 64m, cpus: "0.5", pids: 9}';
  assert.deepEqual(service(`{deploy: {resources: {${limits}, reservations: {memory: 32m}}}}`).resources, old.resources);
  assert.deepEqual(old.resources, {
    cpus: 0.5,
    memoryBytes: 64 * 1024 * 1024,
    memoryReservationBytes: 32 * 1024 * 1024,
    pids: 9,
  });
});

test('a string health check runs in a shell, NONE switches it off, what is 0 or left out is not said', () => {
  assert.deepEqual(service('{healthcheck: {test: "curl x", interval: 1s, start_period: 0s, retries: 0}}').healthcheck, {
    test: ['/bin/sh', '-c', 'curl x'],
    intervalMs: 1000,
  });
  assert.deepEqual(service('{healthcheck: {retries: 5, start_period: 1m}}').healthcheck, {
    retries: 5,
    startPeriodMs: 60_000,
  });
  assert.deepEqual(service('{healthcheck: {test: [CMD, x, y]}}').healthcheck?.test, ['x', 'y']);
  assert.deepEqual(service('{healthcheck: {test: [NONE]}}').healthcheck?.test, []);
  assert.deepEqual(service('{healthcheck: {disable: true}}').healthcheck?.test, []);
});

test('deploy.restart_policy wins over restart', () => {
  assert.deepEqual(service('{restart: "on-failure:3"}').restart, { condition: 'on-failure', maxAttempts: 3 });
  assert.deepEqual(service('{restart: always, deploy: {restart_policy: {condition: none}}}').restart, {
    condition: 'no',
  });
  assert.deepEqual(service('{deploy: {restart_policy: {condition: on-failure, delay: 2s, max_attempts: 4}}}').restart, {
    condition: 'on-failure',
    maxAttempts: 4,
    delayMs: 2000,
  });
  assert.deepEqual(service('{deploy: {restart_policy: {max_attempts: 2, window: 1m}}}').restart, {
    condition: 'always',
    maxAttempts: 2,
    windowMs: 60_000,
  });
});

test('0 attempts are no limit', () => {
  assert.deepEqual(service('{restart: "on-failure:0"}').restart, { condition: 'on-failure' });
  assert.deepEqual(service('{deploy: {restart_policy: {max_attempts: 0}}}').restart, { condition: 'always' });
});

test('mounts of every form have absolute sources and parsed options', () => {
  const mounts = service(
    '{volumes: ["./x:/x:ro", "data:/d:nocopy", /anon], tmpfs: ["/run:size=1m,mode=1777,exec"]}',
    'volumes: {data: {}}',
  );
  assert.deepEqual(mounts.mounts, [
    { type: 'bind', source: '/project/x', target: '/x', readOnly: true, createHostPath: true },
    { type: 'volume', source: 'data', target: '/d', readOnly: false, nocopy: true },
    { type: 'volume', target: '/anon', readOnly: false, nocopy: false },
    { type: 'tmpfs', target: '/run', readOnly: false, sizeBytes: 1024 * 1024, mode: 0o1777, options: ['exec'] },
  ]);
});

test('ports keep ranges to choose from and expand ranges to map', () => {
  const { ports } = service('{ports: ["80-81:8080", "90-91:90-91/udp", "127.0.0.1::70"]}');
  assert.deepEqual(ports, [
    { protocol: 'tcp', target: 8080, published: 80, publishedEnd: 81 },
    { protocol: 'udp', target: 90, published: 90, publishedEnd: 90 },
    { protocol: 'udp', target: 91, published: 91, publishedEnd: 91 },
    { protocol: 'tcp', target: 70, hostIp: '127.0.0.1' },
  ]);
});

test('the environment keeps numbers as written and names that JavaScript knows', () => {
  const { environment } = service(
    '{environment: {A: 010, B: 1.10, C: no, D: true, __proto__: p, constructor: c, E: }}',
  );
  assert.deepEqual(Object.entries(environment), [
    ['A', '010'],
    ['B', '1.10'],
    ['C', 'no'],
    ['D', 'true'],
    ['__proto__', 'p'],
    ['constructor', 'c'],
  ]);
});

test('only networks and volumes that an enabled service uses are part of the stack', () => {
  const text = `services:
  a: {image: i, networks: [n], volumes: ["v:/v"]}
  b: {image: i, profiles: [p], networks: [m], volumes: ["w:/w"]}
networks: {n: {}, m: {}, unused: {}}
volumes: {v: {}, w: {}}`;
  const { stack } = loadText(text);
  assert.deepEqual(
    [Object.keys(stack.services), Object.keys(stack.networks), Object.keys(stack.volumes)],
    [['a'], ['n'], ['v']],
  );
  assert.deepEqual(stack.disabledServices, ['b']);
  const all = loadText(text, { profiles: ['*'] }).stack;
  assert.deepEqual(
    [Object.keys(all.networks), Object.keys(all.volumes), all.disabledServices],
    [['m', 'n'], ['v', 'w'], []],
  );
});

test('naming a service takes it with its dependencies and enables its profile', () => {
  const text = 'services: {a: {image: i, depends_on: [b]}, b: {image: i}, c: {image: i}, d: {image: i, profiles: [x]}}';
  assert.deepEqual(Object.keys(loadText(text, { services: ['a'] }).stack.services), ['a', 'b']);
  assert.deepEqual(Object.keys(loadText(text, { services: ['d'] }).stack.services), ['d']);
});

test('security options become a filter, capabilities their kernel names', () => {
  const { security } = service(
    '{cap_add: [net_admin, CAP_SYS_TIME], cap_drop: [all], security_opt: ["no-new-privileges:true", "seccomp=./p.json"]}',
  );
  assert.deepEqual(security, {
    privileged: false,
    capAdd: ['NET_ADMIN', 'SYS_TIME'],
    capDrop: ['ALL'],
    noNewPrivileges: true,
    seccomp: '/project/p.json',
    devices: [],
  });
});

test('security options are read with = and with :, the last one counts, and files lie beside the stack file', () => {
  const security = (...options: readonly string[]) => service(JSON.stringify({ security_opt: options })).security;
  assert.equal(security().seccomp, 'default');
  for (const [option, expected] of Object.entries({
    'seccomp=builtin': 'default',
    'seccomp:builtin': 'default',
    'seccomp=unconfined': 'unconfined',
    'seccomp:unconfined': 'unconfined',
    'seccomp=profiles/p.json': '/project/profiles/p.json',
    'seccomp:/etc/p.json': '/etc/p.json',
  })) {
    assert.equal(security(option).seccomp, expected, option);
  }
  assert.equal(security('no-new-privileges').noNewPrivileges, true);
  assert.equal(security('no-new-privileges:true', 'no-new-privileges=false').noNewPrivileges, false);
  assert.deepEqual([security('apparmor=a b', 'apparmor:c').appArmor, security().appArmor], ['c', undefined]);
  assert.equal(security('apparmor:unconfined').appArmor, 'unconfined');
  assert.equal(security('systempaths=unconfined').systemPaths, 'unconfined');
  assert.deepEqual(security('label=type:svirt_t', 'label:level:s0:c1,c2', 'label=user=u').seLinux, {
    type: 'svirt_t',
    level: 's0:c1,c2',
    user: 'u',
  });
  assert.equal(security('label=type:svirt_t', 'label=disable').seLinux, undefined);
});

test('user and time namespaces are shared unless asked for', () => {
  assert.deepEqual(service('{}').namespaces, {
    pid: 'private',
    ipc: 'private',
    uts: 'private',
    cgroup: 'private',
    user: 'host',
    time: 'host',
  });
  const own = service('{userns_mode: private, x-time-namespace: true, pid: host}').namespaces;
  assert.deepEqual([own.user, own.time, own.pid], ['private', 'private', 'host']);
});

test('a variable that the caller has not set is unset, one that he has is set', () => {
  const { environment, unsetEnvironment } = service('{environment: {GONE: null, EMPTY: "", WORD: x}}');
  assert.deepEqual({ ...environment }, { EMPTY: '', WORD: 'x' });
  assert.deepEqual(unsetEnvironment, ['GONE']);
  assert.deepEqual(service('{environment: [GONE, WORD=x]}').unsetEnvironment, ['GONE']);
  assert.equal(service('{environment: {WORD: x}}').unsetEnvironment, undefined);
});

test('mac_address of a service belongs to the network of the highest priority, then to the first', () => {
  const macs = (networks: string) => {
    const { networks: attached } = service(
      `{mac_address: "02:00:00:00:00:01", networks: ${networks}}`,
      'networks: {a: {}, b: {}}',
    );
    return Object.entries(attached).flatMap(([key, { macAddress }]) =>
      macAddress === undefined ? [] : `${key} ${macAddress}`,
    );
  };
  assert.deepEqual(macs('[b, a]'), ['a 02:00:00:00:00:01']);
  assert.deepEqual(macs('{a: {priority: 1}, b: {priority: 5}}'), ['b 02:00:00:00:00:01']);
  assert.deepEqual(macs('{a: {priority: -1}, b: }'), ['b 02:00:00:00:00:01']);
  assert.deepEqual(macs('{a: {mac_address: "02:00:00:00:00:02"}, b: }'), ['a 02:00:00:00:00:02']);
});
