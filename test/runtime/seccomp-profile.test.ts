import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsstackError } from '../../src/model/error.ts';
import { compileFilter } from '../../src/runtime/seccomp/compile.ts';
import { parseProfile } from '../../src/runtime/seccomp/profile.ts';
import { runFilter } from '../../src/runtime/seccomp/run.ts';

const TARGET = { arch: 'x86_64', kernel: [6, 1], capabilities: new Set<string>() } as const;
const X86_64 = 0xc000003e;

function withRule(rule: object): object {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'SCMP_ACT_KILL', ...rule }] };
}

function withArgument(argument: object): object {
  return withRule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...argument }] });
}

/** What is wrong, and what is said of it: the place in the file first. */
const REFUSED: readonly (readonly [what: string, profile: object | string, words: string])[] = [
  ['what is not JSON', '{', 'it is not JSON: '],
  ['what is no object', '[]', 'is not an object'],
  ['a key that is not known', { defaultAction: 'SCMP_ACT_ALLOW', syscall: [] }, 'syscall: is not known'],
  ['a profile without a default', {}, 'defaultAction: is not a text'],
  ['an unknown action', { defaultAction: 'SCMP_ACT_DENY' }, 'defaultAction: there is no action "SCMP_ACT_DENY"'],
  ['an inherited name as action', { defaultAction: 'toString' }, 'defaultAction: there is no action "toString"'],
  ['a listening program', { defaultAction: 'SCMP_ACT_NOTIFY' }, 'defaultAction: SCMP_ACT_NOTIFY needs a program'],
  [
    'the path of a listening program',
    { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/x' },
    'listenerPath: no program that answers',
  ],
  [
    'a flag for listening programs',
    { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] },
    'flags[0]: it is for filters with a listener',
  ],
  ['an unknown flag', { defaultAction: 'SCMP_ACT_ALLOW', flags: ['X'] }, 'flags[0]: there is no flag "X"'],
  [
    'an unknown architecture',
    { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86', 'amd64'] },
    'architectures[1]: there is no architecture "amd64"',
  ],
  [
    'two lists of architectures',
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86'],
      archMap: [{ architecture: 'SCMP_ARCH_X86', subArchitectures: null }],
    },
    'archMap: there are architectures already',
  ],
  ['an unknown key of a rule', withRule({ arg: [] }), 'syscalls[0].arg: is not known'],
  ['a rule without names', withRule({ names: null }), 'syscalls[0]: it must have names'],
  ['a rule with both kinds of names', withRule({ name: 'read' }), 'syscalls[0]: it must have names'],
  [
    'refusing a call that there is not',
    withRule({ names: ['rebot'] }),
    'syscalls[0].names[0]: there is no system call "rebot"',
  ],
  ['an unknown comparison', withArgument({ op: '=' }), 'syscalls[0].args[0].op: there is no comparison "="'],
  ['an argument that there is not', withArgument({ index: 6 }), 'syscalls[0].args[0].index: 6 is not between 0 and 5'],
  ['a fraction', withArgument({ value: 1.5 }), 'syscalls[0].args[0].value: 1.5 is not a whole number'],
  ['a negative number', withArgument({ value: -1 }), 'syscalls[0].args[0].value: -1 is not between'],
  [
    'a number of more than 64 bits',
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0,"value":18446744073709551616,"op":"SCMP_CMP_EQ"}]}]}',
    'syscalls[0].args[0].value: 18446744073709551616 is not between',
  ],
  [
    'an unknown capability',
    withRule({ includes: { caps: ['SYS_ADMIN'] } }),
    'syscalls[0].includes.caps[0]: there is no capability',
  ],
  [
    'an unknown architecture of a rule',
    withRule({ excludes: { arches: ['x86_64'] } }),
    'syscalls[0].excludes.arches[0]: there is',
  ],
  ['an unknown key of a gate', withRule({ includes: { cap: [] } }), 'syscalls[0].includes.cap: is not known'],
  [
    'a kernel that is none',
    withRule({ includes: { minKernel: 'new' } }),
    'syscalls[0].includes.minKernel: "new" is not',
  ],
  [
    'an errno that is none',
    withRule({ action: 'SCMP_ACT_ERRNO', errnoRet: 4096 }),
    'syscalls[0].errnoRet: 4096 is not',
  ],
];

for (const [what, profile, words] of REFUSED) {
  test(`parseProfile() refuses ${what}: ${words}`, () => {
    const text = typeof profile === 'string' ? profile : JSON.stringify(profile);
    assert.throws(
      () => parseProfile(text, '/p.json'),
      (error) => {
        assert.ok(error instanceof TsstackError && error.code === 'launch-failed' && error.hint !== undefined);
        assert.ok(error.message.startsWith(`The seccomp profile /p.json cannot be used: ${words}`), error.message);
        return true;
      },
    );
  });
}

test('parseProfile() takes all of the format: null for absent, comments, old names, calls of other machines', () => {
  const profile = parseProfile(
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: null,
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'],
      listenerPath: '',
      syscalls: [
        { name: 'read', action: 'SCMP_ACT_ALLOW', args: null, comment: 'as before', includes: {}, excludes: null },
        { names: ['call_of_2030', 's390_sthyi'], action: 'SCMP_ACT_ALLOW', errnoRet: null },
        { names: ['sigreturn'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    }),
    '/p.json',
  );
  assert.equal(profile.flags, 7);
  assert.deepEqual(
    profile.rules.map(({ names }) => names),
    [['read'], ['call_of_2030', 's390_sthyi'], ['sigreturn']],
  );
});

for (const [name, verdict] of Object.entries({
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_ERRNO: 0x00050007,
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_TRACE: 0x7ff00007,
  SCMP_ACT_LOG: 0x7ffc0000,
})) {
  test(`parseProfile() knows ${name}`, () => {
    const text = JSON.stringify({ defaultAction: name, ...(/ERRNO|TRACE/.test(name) && { defaultErrnoRet: 7 }) });
    const filter = compileFilter(parseProfile(text, '/p.json'), TARGET);
    // Numbers that a profile does not know are let pass by what lets calls pass.
    const unknown = /ALLOW|TRACE|LOG/.test(name) ? verdict : 0x50026;
    assert.equal(runFilter(filter, { number: 0, audit: X86_64, args: [] }), unknown);
    const known = { defaultAction: 'SCMP_ACT_LOG', syscalls: [{ names: ['read'], action: name, errnoRet: 7 }] };
    const ruled = compileFilter(parseProfile(JSON.stringify(known), '/p.json'), TARGET);
    assert.equal(runFilter(ruled, { number: 0, audit: X86_64, args: [] }), verdict);
  });
}

test('parseProfile() reads numbers that a double cannot hold exactly', () => {
  const text = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL","args":[
    {"index":0,"value":18446744073709551615,"valueTwo":9007199254740993,"op":"SCMP_CMP_MASKED_EQ"}]}]}`;
  assert.deepEqual(parseProfile(text, '/p.json').rules[0]?.args, [
    { index: 0, value: 0xffffffffffffffffn, valueTwo: 0x20000000000001n, op: 'SCMP_CMP_MASKED_EQ' },
  ]);
  const ask = (value: bigint) =>
    runFilter(compileFilter(parseProfile(text, '/p.json'), TARGET), { number: 0, audit: X86_64, args: [value] });
  assert.deepEqual([ask(0x20000000000001n), ask(0x20000000000000n)], [0, 0x7fff0000]);
});

test('compileFilter() refuses more instructions than the kernel takes', () => {
  const args = (value: number) => [{ index: 0, value, op: 'SCMP_CMP_EQ' }];
  const syscalls = Array.from({ length: 900 }, (_, value) => ({
    names: ['read'],
    action: 'SCMP_ACT_KILL',
    args: args(value),
  }));
  const profile = parseProfile(JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }), '/p.json');
  assert.throws(() => compileFilter(profile, TARGET), /4510 instructions, and the kernel takes 4096/);
});

test('compileFilter() goes by the strictest of the rules with conditions that hold, and leaves out what says nothing', () => {
  const rule = (action: string, op: string, value: number) => ({
    names: ['read'],
    action,
    args: [{ index: 0, value, op }],
  });
  const ask = (defaultAction: string, syscalls: readonly object[], value: bigint) =>
    runFilter(compileFilter(parseProfile(JSON.stringify({ defaultAction, syscalls }), '/p.json'), TARGET), {
      number: 0,
      audit: X86_64,
      args: [value],
    });
  const both = [rule('SCMP_ACT_LOG', 'SCMP_CMP_GT', 3), rule('SCMP_ACT_KILL', 'SCMP_CMP_EQ', 5)];
  for (const syscalls of [both, both.toReversed()]) {
    assert.deepEqual(
      [4n, 5n, 3n].map((value) => ask('SCMP_ACT_ALLOW', syscalls, value)),
      [0x7ffc0000, 0, 0x7fff0000],
    );
  }
  const redundant = [rule('SCMP_ACT_ERRNO', 'SCMP_CMP_EQ', 5), rule('SCMP_ACT_ALLOW', 'SCMP_CMP_GT', 3)];
  assert.equal(ask('SCMP_ACT_ERRNO', redundant, 5n), 0x7fff0000, 'as runc, which adds no rule that is the default');
});
