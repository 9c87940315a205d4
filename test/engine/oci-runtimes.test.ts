import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runtimeConflicts } from '../../src/engine/oci-runtimes.ts';
import type { Service } from '../../src/model/stack.ts';
import { simpleHost } from '../helpers/simple-host.ts';
import { makeService, makeStack } from '../helpers/stacks.ts';

const { namespaces } = makeService('web');
const web = { type: 'service', service: 'web' } as const;
const outside = { rootless: { outside: '/run/ts-outside', firstPort: 1024 }, listeners: async () => '' };
const host = simpleHost();
const stat = host.stat.bind(host);
host.stat = (path) => (/^\/usr\/bin\/(crun|runsc)$/.test(path) ? stat('/proc/self/exe') : undefined);

function found(services: readonly Service[], more = {}): readonly string[] {
  return runtimeConflicts({ host, ...more }, makeStack(services)).map(
    ({ address, message, hint }) => `${address}: ${message} → ${hint}`,
  );
}

test('runtimeConflicts() refuses processes and IPC of others, not networks, and says what to take out', () => {
  const crun = { runtime: 'crun' };
  assert.deepEqual(
    found([
      makeService('web'),
      makeService('net', { ...crun, networkMode: web }),
      makeService('own', { ...crun, namespaces: { ...namespaces, ipc: 'shareable' } }),
      makeService('pid', { ...crun, namespaces: { ...namespaces, pid: web } }),
      makeService('ipc', {
        ...crun,
        namespaces: { ...namespaces, ipc: { type: 'container', container: 'other' } },
      }),
    ]),
    [
      'service.pid[1]: Cannot share the processes of service "web": OCI runtime "crun" starts service "pid", and only tsstack itself joins another container\'s → Remove one of services.pid.runtime and services.pid.pid',
      'service.ipc[1]: Cannot share the IPC namespace of container "other": OCI runtime "crun" starts service "ipc", and only tsstack itself joins another container\'s → Remove one of services.ipc.runtime and services.ipc.ipc',
    ],
  );
});

test('runtimeConflicts() lets a service join one that crun has started, not one with a kernel of its own', () => {
  const joins = makeService('pid', { namespaces: { ...namespaces, pid: web } });
  assert.deepEqual(found([makeService('web', { runtime: 'crun' }), joins]), []);
  assert.deepEqual(found([makeService('web', { runtime: 'runsc' }), joins]), [
    'service.pid[1]: Cannot share the processes of service "web": OCI runtime "runsc" may have a kernel of its own → Remove services.pid.pid, or the runtime of the other service',
  ]);
});

test('runtimeConflicts() refuses every runtime to an ordinary user, and tells a missing one once', () => {
  const services = [makeService('a', { runtime: 'crun' }), makeService('b')];
  assert.deepEqual(found(services), []);
  assert.deepEqual(found(services, { outside }), [
    'service.a[1]: Cannot start service "a" by OCI runtime "crun": an ordinary user\'s containers are started by tsstack itself → Remove services.a.runtime, or run tsstack as root',
  ]);
  const missing = ['c', 'd'].map((name) => makeService(name, { runtime: 'nonesuch' }));
  assert.deepEqual(found([...missing, makeService('none', { runtime: 'nonesuch', replicas: 0 })]), [
    'service.c[1]: this machine has no OCI runtime "nonesuch" → Install it (apt-get install -y crun), or take "runtime" out',
  ]);
});
