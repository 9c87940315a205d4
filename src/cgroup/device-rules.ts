import type { Host } from '../host/host.ts';
import { type DeviceRule, deviceRuleText, parseDeviceRule } from '../model/device-rule.ts';
import { TsstackError } from '../model/error.ts';
import type { Device } from '../model/limits.ts';
import { readDeviceNumber } from './device-number.ts';

/** What a container asks for besides what every one has. */
export interface DeviceRequest {
  readonly devices: readonly Device[];
  /** `device_cgroup_rules`, as written. Absent: none. */
  readonly rules?: readonly string[];
}

/** Device access of a container; `all` for privileged ones. */
export type DeviceAccess = 'all' | DeviceRequest;

/**
 * What every container may do (the OCI runtime specification's default devices, as runc allows them): make any node,
 * use null, zero, full, random, urandom, tty, ptmx and the pseudo-terminals. Not 5:1, which Docker allows: made as a node, it
 * is the machine's own console, with what is typed there.
 */
const DEFAULT_ALLOW = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 5:0 rwm',
  'c 5:2 rwm',
  'c 136:* rwm',
];

/**
 * All that is allowed, one rule for each type and pair of numbers. As in cgroup v1 an access is allowed when one rule
 * allows all of it; rules for the same numbers are one, with the permissions of all (`dev_exception_add()` in
 * security/device_cgroup.c). Throws `not-found` for what is no device.
 */
export function deviceRules(host: Host, access: DeviceAccess): 'all' | readonly DeviceRule[] {
  if (access === 'all') return 'all';
  const { devices, rules = [] } = access;
  const asked = devices.flatMap(({ source, permissions }) =>
    deviceNumbers(host, source).map((letters) => `${letters} ${permissions || 'rwm'}`),
  );
  const merged = new Map<string, DeviceRule>();
  for (const text of [...DEFAULT_ALLOW, ...asked, ...rules]) {
    const parsed = parseDeviceRule(text);
    if (parsed === 'all') return 'all';
    if (parsed === undefined)
      throw new TsstackError('launch-failed', `There is no device rule ${JSON.stringify(text)}`);
    for (const rule of parsed) addRule(merged, rule);
  }
  return [...merged.values()];
}

function addRule(rules: Map<string, DeviceRule>, rule: DeviceRule): void {
  const key = keyOf(rule);
  const letters = `${rules.get(key)?.permissions ?? ''}${rule.permissions}`;
  rules.set(key, { ...rule, permissions: [...'rwm'].filter((letter) => letters.includes(letter)).join('') });
}

/** What rules for the same device have in common. */
export function keyOf(rule: DeviceRule): string {
  return deviceRuleText({ ...rule, permissions: '' });
}

/** `c 1:3`; of a directory every node below it, as Docker has it. */
function deviceNumbers(host: Host, source: string): readonly string[] {
  if (host.stat(source)?.type !== 'directory') return [lettersOf(host, source)];
  const found = nodesBelow(host, source);
  if (found.length > 0) return found.map((path) => lettersOf(host, path));
  throw new TsstackError('not-found', `There is no device below ${JSON.stringify(source)}`, {
    hint: 'Name a device of the host, such as /dev/fuse, or a directory of devices',
  });
}

function lettersOf(host: Host, path: string): string {
  const { type, number } = readDeviceNumber(host, path);
  return `${type === 'block' ? 'b' : 'c'} ${number}`;
}

function nodesBelow(host: Host, directory: string): readonly string[] {
  return host.readDirectory(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    const type = host.stat(path)?.type;
    if (type === 'directory') return nodesBelow(host, path);
    return type === 'block' || type === 'char' ? [path] : [];
  });
}
