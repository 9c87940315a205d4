import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Architecture, syscallTable } from '../../src/runtime/launcher/syscalls.ts';
import { compileFilter } from '../../src/runtime/seccomp/compile.ts';
import { type Profile, parseProfile } from '../../src/runtime/seccomp/profile.ts';
import { runFilter } from '../../src/runtime/seccomp/run.ts';
import { COMPARISONS, type Comparison, RET_ALLOW } from '../../src/runtime/seccomp/words.ts';
import { Libseccomp, missingLibseccomp, type Request } from '../helpers/libseccomp.ts';

const missing = missingLibseccomp();
const DEFAULT = readFileSync(new URL('../../schema/profiles/seccomp-default.json', import.meta.url), 'utf8');
const AUDIT = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };
const ENOSYS = 0x50026;
const MAX = 0xffffffffffffffffn;
const DOCKER =
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT';
const CAPABILITIES: Readonly<Record<string, string>> = {
  none: '',
  "Docker's": DOCKER,
  SYS_ADMIN: `${DOCKER} SYS_ADMIN`,
  others: 'DAC_READ_SEARCH SYS_BOOT SYS_MODULE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG SYS_NICE SYSLOG',
  'BPF and PERFMON': `${DOCKER} BPF PERFMON`,
};
const KERNELS = [
  [4, 7],
  [6, 1],
] as const;

/** What an argument is tried with: bounds, every bit of a mask, what lies beside them, other high words. */
function trials(numbers: readonly bigint[]): readonly bigint[] {
  const near = [0n, 1n, 0xffffffffn, 0x100000000n, 0x8000000000000000n, MAX];
  for (const number of numbers) {
    near.push(number, number - 1n, number + 1n, ~number, number ^ 0x100000000n, number << 32n, number & 0xffffffffn);
    for (let bit = 0n; bit < 64n; bit += 1n) if ((number >> bit) & 1n) near.push(1n << bit, number ^ (1n << bit));
  }
  return [...new Set(near.map((number) => BigInt.asUintN(64, number)))];
}

/** Arguments for a call: each that its conditions look at varies alone, and beside others on the verge of holding. */
function argumentLists(profile: Profile, name: string): readonly (readonly bigint[])[] {
  const conditions = profile.rules.filter(({ names }) => names.includes(name)).flatMap(({ args }) => args);
  const zeros = Array<bigint>(6).fill(0n);
  const lists = [zeros, zeros.map(() => MAX)];
  if (conditions.length === 0) return lists;
  const bases = [zeros, zeros.map((_, index) => conditions.find((each) => each.index === index)?.value ?? 0n)];
  for (const { index, op, value, valueTwo } of conditions) {
    const masked = op === 'SCMP_CMP_MASKED_EQ' ? valueTwo & value : value;
    bases.push(...bases.slice(0, 8).map((base) => base.with(index, masked)));
  }
  for (const { index, value, valueTwo } of conditions) {
    for (const trial of trials([value, valueTwo])) lists.push(...bases.map((base) => base.with(index, trial)));
  }
  const step = Math.ceil(lists.length / 1500);
  return lists.filter((_, at) => at % step === 0);
}

const HOLDS: Readonly<Record<Comparison, (argument: bigint, value: bigint, two: bigint) => boolean>> = {
  SCMP_CMP_NE: (argument, value) => argument !== value,
  SCMP_CMP_LT: (argument, value) => argument < value,
  SCMP_CMP_LE: (argument, value) => argument <= value,
  SCMP_CMP_EQ: (argument, value) => argument === value,
  SCMP_CMP_GE: (argument, value) => argument >= value,
  SCMP_CMP_GT: (argument, value) => argument > value,
  SCMP_CMP_MASKED_EQ: (argument, value, two) => (argument & value) === (two & value),
};

/** What a profile of one kernel and no capabilities says of a call, rule by rule. */
function meaning({ defaultAction, rules }: Profile, name: string, args: readonly bigint[]): number {
  const ours = rules.filter((rule) => rule.names.includes(name) && rule.action !== defaultAction);
  const always = ours.find((rule) => rule.args.length === 0);
  if (always !== undefined) return always.action;
  const holding = ours.filter((rule) => {
    const results = rule.args.map(({ index, op, value, valueTwo }) => HOLDS[op](args[index] ?? 0n, value, valueTwo));
    const several = new Set(rule.args.map(({ index }) => index)).size < rule.args.length;
    return several ? results.includes(true) : !results.includes(false);
  });
  // Of one data each, as unsigned numbers with the lowest bit of KILL_PROCESS below all others.
  const order = (action: number) => ((action & 0xffff0000) >>> 0) ^ 0x80000000;
  const [strictest] = holding.toSorted((one, other) => (order(one.action) >>> 0) - (order(other.action) >>> 0));
  return strictest?.action ?? defaultAction;
}

/** Every number up to the newest of the profile; gives how many verdicts were compared. */
async function compare(library: Libseccomp, request: Request): Promise<number> {
  const { arch, kernel, capabilities } = request;
  const profile = parseProfile(request.profile, 'p.json');
  const ours = compileFilter(profile, { arch, kernel, capabilities: new Set(capabilities) });
  const { filter: theirs, unknown } = await library.compile(request);
  const table = syscallTable(arch);
  const names = new Map(Object.entries(table).map(([name, number]) => [number, name]));
  // Of another architecture libseccomp can be told by name only, and Debian's does not know the newest.
  const untold = new Set(process.arch === 'x64' && arch === 'x86_64' ? [] : unknown.map((name) => table[name]));
  const newest = Math.max(-1, ...profile.rules.flatMap((rule) => rule.names.map((name) => table[name] ?? -1)));
  let count = 0;
  for (let number = 0; number <= newest; number += 1) {
    for (const args of argumentLists(profile, names.get(number) ?? '')) {
      const call = { number, audit: AUDIT[arch], args };
      count += 1;
      const verdict = runFilter(ours, call);
      if (untold.has(number)) assert.equal(verdict, RET_ALLOW, `${number}, which libseccomp does not know`);
      else assert.equal(verdict, runFilter(theirs, call), `${names.get(number)} (${number}) of ${args.join(', ')}`);
    }
  }
  // libseccomp gives the default action here; runc puts this before its filter, so that a C library falls back.
  const beyond = runFilter(ours, { number: newest + 1, audit: AUDIT[arch], args: [] });
  assert.equal(beyond, isPermissive(profile) ? profile.defaultAction : ENOSYS);
  return count;
}

function isPermissive({ defaultAction }: Profile): boolean {
  return defaultAction >= 0x7ff00000 && defaultAction <= RET_ALLOW;
}

const calls = ['read', 'openat', 'clone', 'socket', 'ioctl', 'mount', 'personality', 'bpf', 'statx', 'close_range'];

/** 64 bits, mostly where comparisons change their mind. */
const word = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 0x1ffffffffn, MAX - 1n, MAX),
  fc.bigInt({ min: 0n, max: MAX }),
  fc.nat(63).map((bit) => 1n << BigInt(bit)),
);
const condition = (comparisons: readonly Comparison[]) =>
  fc
    .record({ index: fc.nat(5), op: fc.constantFrom(...comparisons), value: word, valueTwo: word })
    .map(({ index, op, value, valueTwo }) => ({
      index,
      text: `{"index":${index},"op":"${op}","value":${value},"valueTwo":${valueTwo}}`,
    }));
const indexOf = ({ index }: { readonly index: number }) => index;
const gate = fc.constantFrom(
  '',
  ',"includes":{"caps":["CAP_CHOWN"]}',
  ',"excludes":{"caps":["CAP_CHOWN"]}',
  ',"includes":{"arches":["amd64"]}',
  ',"excludes":{"arches":["arm64","x86"]}',
  ',"includes":{"minKernel":"6.1"}',
);
/** libseccomp takes an errno below 4095 only. */
const action = fc.tuple(
  fc.constantFrom('ERRNO', 'KILL', 'KILL_PROCESS', 'TRAP', 'TRACE', 'LOG', 'ALLOW'),
  fc.constantFrom(1, 38, 4094),
);

type Shape = 'any' | 'one rule with conditions for a call' | 'rules that ask for equality';

/** `JSON`: numbers beyond 2^53. */
function profiles(shape: Shape): fc.Arbitrary<string> {
  const asked = condition(shape === 'rules that ask for equality' ? ['SCMP_CMP_EQ'] : COMPARISONS);
  const args =
    shape === 'any' ? fc.array(asked, { maxLength: 3 }) : fc.uniqueArray(asked, { maxLength: 3, selector: indexOf });
  const rule = fc.record({ call: fc.constantFrom(...calls), verdict: action, args });
  const rules =
    shape === 'one rule with conditions for a call'
      ? fc.uniqueArray(rule, { maxLength: calls.length, selector: ({ call }) => call })
      : fc.array(rule, { maxLength: 12 });
  return fc.tuple(action, rules, gate).map(([[name, errnoRet], list, when]) => {
    // Of two actions for the same call libseccomp takes by an order of its own, or refuses the second.
    const verdicts = new Map(list.map(({ call, verdict }) => [call, verdict]));
    const texts = list.map((each, index) => {
      const [verdict, data] = (shape === 'any' ? undefined : verdicts.get(each.call)) ?? each.verdict;
      const conditions = each.args.map(({ text }) => text).join(',');
      const head = `"names":["${each.call}"],"action":"SCMP_ACT_${verdict}","errnoRet":${data},"args":[${conditions}]`;
      return index === 0 && shape !== 'any' ? `{${head}${when}}` : `{${head}}`;
    });
    return `{"defaultAction":"SCMP_ACT_${name}","defaultErrnoRet":${errnoRet},"syscalls":[${texts.join(',')}]}`;
  });
}

test('compileFilter() does what a random profile says, rule by rule', () => {
  fc.assert(
    fc.property(profiles('any'), (text) => {
      const profile = parseProfile(text, 'p.json');
      const filter = compileFilter(profile, { arch: 'x86_64', kernel: [6, 1], capabilities: new Set() });
      for (const name of new Set(profile.rules.flatMap(({ names }) => names))) {
        for (const args of argumentLists(profile, name)) {
          const number = syscallTable('x86_64')[name] ?? -1;
          const verdict = runFilter(filter, { number, audit: AUDIT.x86_64, args });
          assert.equal(verdict, meaning(profile, name, args), `${name} of ${args.join(', ')}`);
        }
      }
    }),
    { numRuns: 100 },
  );
});

describe("compileFilter() against libseccomp's own result", {
  skip: missing === undefined ? false : `no ${missing}`,
}, () => {
  let library: Libseccomp;
  before(() => {
    library = new Libseccomp();
  });
  after(() => library.close());

  for (const arch of ['x86_64', 'aarch64'] as const satisfies readonly Architecture[]) {
    for (const [what, list] of Object.entries(CAPABILITIES)) {
      test(`the default profile on ${arch} with capabilities: ${what}`, async () => {
        const capabilities = list.split(' ').map((name) => `CAP_${name}`);
        for (const kernel of KERNELS) {
          const count = await compare(library, { profile: DEFAULT, arch, capabilities, kernel });
          assert.ok(count > 2000, `only ${count} verdicts`);
        }
      });
    }

    // Two rules that order the same argument libseccomp 2.5 mixes up: of "< 0" and "> 2^32", 1 is neither, and it says yes.
    for (const shape of ['one rule with conditions for a call', 'rules that ask for equality'] as const) {
      test(`random profiles on ${arch}: ${shape}`, async () => {
        const arbitraries = [profiles(shape), fc.boolean(), fc.constantFrom(...KERNELS)] as const;
        const property = fc.asyncProperty(...arbitraries, async (profile, may, kernel) => {
          await compare(library, { profile, arch, kernel, capabilities: may ? ['CAP_CHOWN'] : [] });
        });
        await fc.assert(property, { numRuns: 60 });
      });
    }
  }
});
