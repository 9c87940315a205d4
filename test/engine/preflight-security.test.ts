import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflightSecurity } from '../../src/engine/preflight-security.ts';
import type { Security } from '../../src/model/limits.ts';
import type { KernelFacts } from '../../src/runtime/kernel-facts.ts';
import { FakeHost } from '../helpers/fake-machine.ts';
import { FACTS, SECURITY } from '../helpers/launch-config.ts';
import { makeService, makeStack } from '../helpers/stacks.ts';

const APPARMOR: KernelFacts = { ...FACTS, labels: { appArmor: { file: '/proc/self/attr/apparmor/exec' } } };

function look(
  security: Partial<Security>,
  files: Readonly<Record<string, string>> = {},
  kernel: KernelFacts = FACTS,
): readonly string[] {
  const stack = makeStack([makeService('a', { security: { ...SECURITY, ...security } })]);
  const { conflicts } = preflightSecurity({ host: new FakeHost(files), kernel }, stack);
  return conflicts.map(({ address, message, hint }) => `${address}: ${message} → ${hint}`);
}

test('what every machine has is no conflict', () => {
  assert.deepEqual(look({}), []);
  assert.deepEqual(look({ seccomp: 'unconfined', appArmor: 'unconfined' }), []);
  assert.deepEqual(look({ seccomp: '/no/such', privileged: true }), [], 'privileged containers have no filter');
});

test('labels that the machine cannot give are in the way', () => {
  const [appArmor, seLinux] = look({ appArmor: 'web', seLinux: { type: 't' } }).concat(
    look({ seLinux: { type: 't' } }),
  );
  assert.match(appArmor ?? '', /^service\.a\[1\]: This machine has no AppArmor for the profile "web" → Boot with/);
  assert.match(seLinux ?? '', /^service\.a\[1\]: This machine has no SELinux/);
});

test('a profile of AppArmor that is not loaded is in the way', () => {
  const files = { '/sys/kernel/security/apparmor/profiles': 'web (enforce)\n' };
  assert.deepEqual(look({ appArmor: 'web' }, files, APPARMOR), []);
  assert.deepEqual(look({ appArmor: 'db' }, files, APPARMOR), [
    'service.a[1]: AppArmor has no profile "db" → Load it: apparmor_parser -r FILE',
  ]);
});

test('a seccomp profile that is not there, or not right, is in the way', () => {
  assert.match(look({ seccomp: '/p.json' })[0] ?? '', /There is no seccomp profile \/p\.json → Correct seccomp=FILE/);
  const text = '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"X"}]}';
  assert.match(
    look({ seccomp: '/p.json' }, { '/p.json': text })[0] ?? '',
    /seccomp profile \/p\.json cannot be used: syscalls\[0\]\.action: there is no action "X" → Known are/,
  );
  assert.deepEqual(look({ seccomp: '/p.json' }, { '/p.json': '{"defaultAction":"SCMP_ACT_ALLOW"}' }), []);
});

test('limits that the machine does not give are warned of; what is not started is not looked at', () => {
  const kernel = { ...FACTS, boundingSet: '1fffeffffff', hardLimits: { nproc: 10 } };
  const service = makeService('a', { ulimits: { nproc: { soft: 20, hard: 20 } } });
  const warnings = (replicas: number) =>
    preflightSecurity({ host: new FakeHost({}), kernel }, makeStack([{ ...service, replicas }])).warnings;
  assert.deepEqual(warnings(1), [
    'service.a: ulimits.nproc: 20:20 was asked for, 10:10 is given: this machine does not let us give more',
  ]);
  assert.deepEqual(warnings(0), []);
});

test('services that ask for the same are looked at once, and each is told of; one that asks for more by itself', () => {
  const reads: string[] = [];
  const host = new FakeHost({});
  host.readText = (path) => {
    reads.push(path);
    return undefined;
  };
  const wrong = { ...SECURITY, seccomp: '/p.json' };
  const services = [
    makeService('a', { security: wrong }),
    makeService('b', { security: wrong }),
    makeService('c'),
    makeService('d', { security: { ...wrong, capAdd: ['SYS_ADMIN'] } }),
  ];
  const { conflicts } = preflightSecurity({ host, kernel: FACTS }, makeStack(services));
  assert.deepEqual(
    conflicts.map(({ address }) => address),
    ['service.a[1]', 'service.b[1]', 'service.d[1]'],
  );
  assert.deepEqual(reads, ['/p.json', '/p.json']);
});
