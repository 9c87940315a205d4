import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deviceRules } from '../../src/cgroup/device-rules.ts';
import { type DeviceRule, deviceRuleText, parseDeviceRule } from '../../src/model/device-rule.ts';
import { ACCESS, deviceFilter, TYPES } from '../../src/runtime/device-filter.ts';
import { runProgram } from '../helpers/ebpf.ts';
import { readOnlyHost } from '../helpers/read-host.ts';

interface Access {
  readonly type: 'block' | 'char';
  readonly major: number;
  readonly minor: number;
  /** Letters out of `rwm`. */
  readonly wanted: string;
}

/** `struct bpf_cgroup_dev_ctx` of linux/bpf.h. */
function allows(rules: readonly DeviceRule[], { type, major, minor, wanted }: Access): boolean {
  const context = Buffer.alloc(12);
  const bits = [...wanted].reduce((sum, letter) => sum | (ACCESS[letter] ?? 0), 0);
  context.writeUInt32LE((bits << 16) | TYPES[type], 0);
  context.writeUInt32LE(major, 4);
  context.writeUInt32LE(minor, 8);
  return runProgram(deviceFilter(rules), context) === 1n;
}

const all = (texts: readonly string[]): readonly DeviceRule[] =>
  texts.flatMap((text) => {
    const rules = parseDeviceRule(text);
    assert.ok(rules !== undefined && rules !== 'all', text);
    return rules;
  });

test('deviceFilter() lets pass what Docker lets every container do, and nothing else', () => {
  const rules = deviceRules(readOnlyHost(), { devices: [] });
  assert.ok(rules !== 'all');
  const may = (text: string): boolean => {
    const [, letter, major, minor, wanted = ''] = /^([bc]) (\d+):(\d+) (\w+)$/.exec(text) ?? [];
    const type = letter === 'b' ? 'block' : 'char';
    return allows(rules, { type, major: Number(major), minor: Number(minor), wanted });
  };
  for (const each of ['c 1:3 rw', 'c 1:9 r', 'c 5:2 rw', 'c 136:17 rw', 'c 10:229 m', 'b 8:0 m', 'c 1:3 rwm']) {
    assert.ok(may(each), each);
  }
  for (const each of ['c 1:1 r', 'c 1:11 w', 'b 8:0 r', 'b 1:3 r', 'c 10:229 r', 'c 10:229 rm', 'b 8:0 wm']) {
    assert.ok(!may(each), each);
  }
});

const numbers = fc.oneof(fc.constant<'*'>('*'), fc.integer({ min: 0, max: 4 }), fc.constant(4095));
const letters = fc.subarray(['r', 'w', 'm'], { minLength: 1 }).map((each) => each.join(''));
const type = fc.constantFrom('block' as const, 'char' as const);
const rule = fc.record({ type, major: numbers, minor: numbers, permissions: letters });
const number = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(4095, 2 ** 20 - 1));
const access = fc.record({ type, major: number, minor: number, wanted: letters });

test('deviceFilter() decides as security/device_cgroup.c does: one exception allows all that is asked for', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), access, (rules, { type: asked, major, minor, wanted }) => {
      const expected = rules.some(
        (each) =>
          each.type === asked &&
          (each.major === '*' || each.major === major) &&
          (each.minor === '*' || each.minor === minor) &&
          [...wanted].every((letter) => each.permissions.includes(letter)),
      );
      assert.equal(allows(rules, { type: asked, major, minor, wanted }), expected);
    }),
    { numRuns: 2000 },
  );
});

test('deviceRules() joins rules for the same numbers, as the kernel does, and no others', () => {
  const rulesOf = (rules: readonly string[]) => {
    const found = deviceRules(readOnlyHost(), { devices: [], rules });
    return found === 'all' ? [] : found.map(deviceRuleText);
  };
  const defaults = rulesOf([]).length;
  const asked = (rules: readonly string[]) => rulesOf(rules).slice(defaults);
  assert.deepEqual(asked(['c 1:11 r', 'c 1:11 wr', 'c 1:* m']), ['c 1:11 rw', 'c 1:* m']);
  assert.deepEqual(asked(['a 9:* r']), ['b 9:* r', 'c 9:* r']);
  assert.equal(deviceRules(readOnlyHost(), { devices: [], rules: ['c 1:11 r', 'a *:* rwm'] }), 'all');
  // Nothing is added to the rules for all nodes that are there already.
  assert.deepEqual(asked(['a *:* rw']), []);
});

test('parseDeviceRule() takes what Docker takes, and nothing that looks alike', () => {
  for (const good of ['c 10:200 rwm', 'b 8:* r', 'a *:* rwm', 'c *:5 mw', 'c 4095:1048575 r']) {
    assert.ok(parseDeviceRule(good) !== undefined, good);
  }
  const bad = ['', 'c 1:11', 'c 1:11 x', 'c 1 rwm', 'd 1:1 r', ' c 1:1 r', 'c 1:1 r ', 'c  1:1 r', 'c 1:1 rwmr'];
  for (const each of [...bad, 'c 4096:0 r', 'c 0:1048576 r', 'c -1:0 r', 'c 1:1\nr', 'C 1:1 r']) {
    assert.equal(parseDeviceRule(each), undefined, each);
  }
  assert.deepEqual(all(['c 1:11 wr']), [{ type: 'char', major: 1, minor: 11, permissions: 'rw' }]);
});
