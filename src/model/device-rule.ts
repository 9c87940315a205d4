/** What a container may do with devices; `*`: any number. */
export interface DeviceRule {
  readonly type: 'block' | 'char';
  readonly major: number | '*';
  readonly minor: number | '*';
  /** Letters out of `rwm`, each once: reading, writing, making a node. */
  readonly permissions: string;
}

/** Largest numbers of a device (`MINORBITS` in linux/kdev_t.h). */
const LARGEST_MAJOR = 2 ** 12 - 1;
const LARGEST_MINOR = 2 ** 20 - 1;

/**
 * One of `device_cgroup_rules`: `c 10:200 rwm`, `b 8:* r`. `all`: `a *:* rwm`, everything. Both types with `a` and
 * numbers. undefined: it is none of these.
 */
export function parseDeviceRule(text: string): 'all' | readonly DeviceRule[] | undefined {
  const match = /^([abc]) (\d{1,7}|\*):(\d{1,7}|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [, letter, ...rest] = match;
  const [major, minor] = rest.slice(0, 2).map((number) => (number === '*' ? '*' : Number(number)));
  const permissions = [...'rwm'].filter((each) => rest[2]?.includes(each)).join('');
  if (major === undefined || minor === undefined) return undefined;
  if ((major !== '*' && major > LARGEST_MAJOR) || (minor !== '*' && minor > LARGEST_MINOR)) return undefined;
  if (letter === 'a' && major === '*' && minor === '*' && permissions === 'rwm') return 'all';
  const types = letter === 'a' ? (['block', 'char'] as const) : ([letter === 'b' ? 'block' : 'char'] as const);
  return types.map((type) => ({ type, major, minor, permissions }));
}

/** As cgroup v1 has it: `c 10:200 rwm`. */
export function deviceRuleText({ type, major, minor, permissions }: DeviceRule): string {
  return `${type === 'block' ? 'b' : 'c'} ${major}:${minor} ${permissions}`;
}
