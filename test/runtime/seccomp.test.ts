import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { syscallTable } from '../../src/runtime/launcher/syscalls.ts';
import { compileFilter, type FilterTarget } from '../../src/runtime/seccomp/compile.ts';
import { containerFilter } from '../../src/runtime/seccomp/filter.ts';
import { parseProfile as parse } from '../../src/runtime/seccomp/profile.ts';
import { runFilter } from '../../src/runtime/seccomp/run.ts';
import type { Comparison } from '../../src/runtime/seccomp/words.ts';
import { FACTS, SECURITY } from '../helpers/launch-config.ts';

const AUDIT = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };
const ALLOW = 0x7fff0000;
const EPERM = 0x50001;
const ENOSYS = 0x50026;
const DOCKER_CAPABILITIES = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
];
const DEFAULT = readFileSync(new URL('../../schema/profiles/seccomp-default.json', import.meta.url), 'utf8');

const parseProfile = (text: string) => parse(text, 'p.json');

function target(arch: 'x86_64' | 'aarch64', capabilities: readonly string[] = []): FilterTarget {
  return { arch, kernel: [6, 1], capabilities: new Set(capabilities) };
}

function verdict(filter: Uint8Array, arch: 'x86_64' | 'aarch64', name: string, ...args: readonly bigint[]): number {
  const number = syscallTable(arch)[name];
  assert.ok(number !== undefined, name);
  return runFilter(filter, { number, audit: AUDIT[arch], args });
}

for (const arch of ['x86_64', 'aarch64'] as const) {
  describe(`the default filter on ${arch}`, () => {
    const filter = compileFilter(parseProfile(DEFAULT), target(arch, DOCKER_CAPABILITIES));
    const ask = (name: string, ...args: readonly bigint[]) => verdict(filter, arch, name, ...args);

    test('allows everyday calls and those that the launcher makes after it', () => {
      const names = ['read', 'openat', 'execve', 'execveat', 'prctl', 'capset', 'setgroups', 'setresgid', 'setresuid'];
      for (const name of [...names, 'close_range', 'write', 'exit_group', 'chroot', 'ptrace']) {
        assert.equal(ask(name), ALLOW, name);
      }
    });

    test('refuses what needs a capability that the container has not', () => {
      for (const name of ['mount', 'bpf', 'setns', 'unshare', 'reboot', 'init_module', 'open_by_handle_at', 'syslog']) {
        assert.equal(ask(name), EPERM, name);
      }
    });

    test('looks at arguments: namespaces of clone, families of socket, personalities', () => {
      assert.equal(ask('clone', 0x11n), ALLOW);
      for (const flag of [0x20000n, 0x2000000n, 0x10000000n, 0x40000000n]) assert.equal(ask('clone', flag), EPERM);
      assert.equal(ask('clone3'), ENOSYS, 'so that a C library falls back to clone');
      assert.deepEqual(
        [2n, 37n, 38n, 39n, 40n, 41n].map((family) => ask('socket', family)),
        [ALLOW, ALLOW, EPERM, ALLOW, EPERM, ALLOW],
      );
      assert.deepEqual(
        [0n, 8n, 9n, 0xffffffffn].map((persona) => ask('personality', persona)),
        [ALLOW, ALLOW, EPERM, ALLOW],
      );
    });

    test('answers ENOSYS for numbers newer than the profile, and to other architectures', () => {
      assert.equal(runFilter(filter, { number: 5000, audit: AUDIT[arch], args: [] }), ENOSYS);
      assert.equal(runFilter(filter, { number: 1, audit: 0x40000003, args: [] }), ENOSYS);
      if (arch !== 'x86_64') return;
      assert.equal(runFilter(filter, { number: 0x40000001, audit: AUDIT[arch], args: [] }), ENOSYS, 'x32');
    });
  });
}

const PROFILES = fileURLToPath(new URL('../../../shared/security/profiles/', import.meta.url));
const REFERENCES = [
  { file: 'docker-default.x86_64.bpf', arch: 'x86_64', capabilities: DOCKER_CAPABILITIES },
  { file: 'docker-default.aarch64.bpf', arch: 'aarch64', capabilities: DOCKER_CAPABILITIES },
  { file: 'nocaps.x86_64.bpf', arch: 'x86_64', capabilities: [] },
] as const;

for (const { file, arch, capabilities } of REFERENCES) {
  const path = PROFILES + file;
  test(`compileFilter() gives the same verdicts as ${file}`, { skip: existsSync(path) ? false : `no ${path}` }, () => {
    const ours = compileFilter(parseProfile(DEFAULT), target(arch, capabilities));
    const theirs = readFileSync(path);
    const values = [0, 1, 2, 8, 9, 17, 37, 38, 39, 40, 41, 131072, 131080, 0x20000, 0x7e020000, 0x10000000, 0xffffffff];
    for (let number = 0; number < 1200; number += 1) {
      for (const value of values) {
        const call = { number, audit: AUDIT[arch], args: [BigInt(value)] };
        assert.equal(runFilter(ours, call), runFilter(theirs, call), `call ${number} of ${value}`);
      }
    }
  });
}

function profileWith(op: Comparison, value: number, valueTwo: number): string {
  const args = [{ index: 1, value, valueTwo, op }];
  return JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args }],
  });
}

const MEANING: Readonly<Record<Comparison, (argument: bigint, value: bigint, two: bigint) => boolean>> = {
  SCMP_CMP_NE: (argument, value) => argument !== value,
  SCMP_CMP_LT: (argument, value) => argument < value,
  SCMP_CMP_LE: (argument, value) => argument <= value,
  SCMP_CMP_EQ: (argument, value) => argument === value,
  SCMP_CMP_GE: (argument, value) => argument >= value,
  SCMP_CMP_GT: (argument, value) => argument > value,
  SCMP_CMP_MASKED_EQ: (argument, value, two) => (argument & value) === (two & value),
};

for (const [op, holds] of Object.entries(MEANING) as [Comparison, (typeof MEANING)[Comparison]][]) {
  test(`compileFilter() compares all 64 bits for ${op}`, () => {
    const near = [0, 1, 2, 0xffffffff, 0x100000000, 0x100000001, 0x1ffffffff];
    const number = fc.oneof(fc.constantFrom(...near), fc.nat(Number.MAX_SAFE_INTEGER));
    fc.assert(
      fc.property(number, number, number, (value, two, argument) => {
        const filter = compileFilter(parseProfile(profileWith(op, value, two)), target('x86_64'));
        const expected = holds(BigInt(argument), BigInt(value), BigInt(two)) ? EPERM : ALLOW;
        return verdict(filter, 'x86_64', 'read', 0n, BigInt(argument)) === expected;
      }),
    );
  });
}

test('compileFilter() asks for every condition of a rule, and for one of those on the same argument', () => {
  const rule = (first: number, second: number) => ({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      {
        names: ['read'],
        action: 'SCMP_ACT_ALLOW',
        args: [
          { index: first, value: 1, op: 'SCMP_CMP_EQ' },
          { index: second, value: 2, op: 'SCMP_CMP_EQ' },
        ],
      },
    ],
  });
  const ask = (profile: object, ...args: readonly bigint[]) =>
    verdict(compileFilter(parseProfile(JSON.stringify(profile)), target('x86_64')), 'x86_64', 'read', ...args);
  assert.deepEqual([ask(rule(0, 1), 1n, 2n), ask(rule(0, 1), 1n, 3n), ask(rule(0, 1), 0n, 2n)], [ALLOW, EPERM, EPERM]);
  assert.deepEqual([ask(rule(0, 0), 1n), ask(rule(0, 0), 2n), ask(rule(0, 0), 3n)], [ALLOW, ALLOW, EPERM]);
});

test('compileFilter() lets a rule that allows count for more than one that refuses, wherever it stands', () => {
  const allow = { names: ['read'], action: 'SCMP_ACT_ALLOW' };
  const refuse = { names: ['read'], action: 'SCMP_ACT_ERRNO' };
  const conditional = { ...refuse, args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] };
  for (const syscalls of [
    [allow, refuse],
    [refuse, allow],
    [conditional, allow],
    [allow, conditional],
  ]) {
    const profile = parseProfile(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }));
    assert.equal(verdict(compileFilter(profile, target('x86_64')), 'x86_64', 'read', 0n), ALLOW);
  }
});

test('compileFilter() adds rules by capability, architecture and kernel', () => {
  const profile = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_TIME'] } },
      { names: ['write'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_TIME'] } },
      { names: ['close'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['arm64'] } },
      { names: ['dup'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '6.2' } },
      { names: ['no_such_call'], action: 'SCMP_ACT_ALLOW' },
    ],
  });
  const allowed = (changes: Partial<FilterTarget>) => {
    const full = { ...target('x86_64'), ...changes };
    const filter = compileFilter(parseProfile(profile), full);
    return ['read', 'write', 'close', 'dup'].filter((name) => verdict(filter, full.arch, name) === ALLOW).join(' ');
  };
  assert.equal(allowed({}), 'write');
  assert.equal(allowed({ capabilities: new Set(['CAP_SYS_TIME']) }), 'read');
  assert.equal(allowed({ arch: 'aarch64' }), 'write close');
  assert.equal(allowed({ kernel: [6, 2] }), 'write dup');
  assert.equal(allowed({ kernel: [7, 0] }), 'write dup');
});

test('containerFilter() gives none when unconfined or privileged, and compiles equal ones once', () => {
  const filter = (security: object, seccompProfile?: string) =>
    containerFilter({
      security: { ...SECURITY, ...security },
      kernel: FACTS,
      capabilities: [],
      seccompProfile,
    });
  assert.equal(filter({ seccomp: 'unconfined' }), undefined);
  assert.equal(filter({ privileged: true }), undefined);
  assert.equal(filter({}), filter({}));
  assert.notDeepEqual(filter({}), filter({ seccomp: '/p.json' }, '{"defaultAction":"SCMP_ACT_ALLOW"}'));
});

test('containerFilter() keeps the last 64 filters, by what they are made of', () => {
  const filter = (text: string, capabilities: readonly string[] = []) =>
    containerFilter({
      security: { ...SECURITY, seccomp: '/p.json' },
      kernel: FACTS,
      capabilities,
      seccompProfile: text,
    });
  const numbered = (number: number) => `{"defaultAction":"SCMP_ACT_ALLOW"}${' '.repeat(number)}`;
  const first = filter(numbered(0));
  const second = filter(numbered(1));
  assert.notEqual(first, second, 'another text is another filter, whatever the path');
  assert.notEqual(first, filter(numbered(0), ['SYS_TIME']), 'capabilities decide, too');
  for (let number = 2; number < 64; number += 1) {
    filter(numbered(number));
    assert.equal(filter(numbered(0)), first, 'what is used stays');
  }
  for (let number = 64; number < 66; number += 1) filter(numbered(number));
  assert.equal(filter(numbered(0)), first);
  assert.notEqual(filter(numbered(1)), second, 'what is not used goes');
});
