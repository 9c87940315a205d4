import { type DeviceRule, deviceRuleText } from '../../model/device-rule.ts';
import { keyOf } from '../device-rules.ts';

type Write = readonly [file: string, data: string];

/**
 * Writes for a new cgroup, one rule a write (kernel: admin-guide/cgroup-v1/devices.rst): everything denied, then what is
 * allowed. A privileged container keeps its parent's access, which is to all.
 */
export function deviceWrites(rules: 'all' | readonly DeviceRule[]): readonly Write[] {
  return rules === 'all' ? [] : [['devices.deny', 'a'], ...allow(rules)];
}

/**
 * The same for a cgroup that has others: no access that is allowed before and after is denied in between, but where all
 * was allowed.
 */
export function deviceChanges(
  before: 'all' | readonly DeviceRule[],
  after: 'all' | readonly DeviceRule[],
): readonly Write[] {
  if (after === 'all') return before === 'all' ? [] : [['devices.allow', 'a']];
  if (before === 'all') return deviceWrites(after);
  const wanted = new Map(after.map((rule) => [keyOf(rule), rule.permissions]));
  const denied = before.flatMap((rule) => {
    const permissions = [...rule.permissions].filter((letter) => !wanted.get(keyOf(rule))?.includes(letter)).join('');
    return permissions === '' ? [] : { ...rule, permissions };
  });
  return [...allow(after), ...denied.map((rule): Write => ['devices.deny', deviceRuleText(rule)])];
}

function allow(rules: readonly DeviceRule[]): readonly Write[] {
  return rules.map((rule) => ['devices.allow', deviceRuleText(rule)]);
}
