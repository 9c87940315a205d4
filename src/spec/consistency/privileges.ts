import { didYouMean } from '../../lib/nearest.ts';
import { CAPABILITIES } from '../../model/capabilities.ts';
import { parseDeviceRule } from '../../model/device-rule.ts';
import { ULIMITS } from '../../model/limits.ts';
import { SYSCTL_HINT, sysctlRefusal } from '../../model/sysctl.ts';
import { at, complain, type Place } from '../canonical/context.ts';
import { isDict, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { type CheckInput, checkServices, dictsOf, keysOf, partPlace, type ServiceAt } from './input.ts';

/** Largest id that Docker takes; 2^32-1 would mean "leave it" to setresuid(2). */
const LARGEST_ID = 2 ** 31 - 1;

/** What a service asks the kernel for: words that it does not have are found before anything is made. */
export function checkPrivileges(input: CheckInput): void {
  checkServices(input, [
    { keys: ['cap_add', 'cap_drop'], check: checkCapabilities },
    { keys: ['device_cgroup_rules'], check: checkDeviceRules },
    { keys: ['devices'], check: checkDevices },
    { keys: ['sysctls'], check: checkSysctls },
    { keys: ['ulimits'], check: checkUlimits },
    { keys: ['user', 'group_add'], check: checkIds },
    { keys: ['mem_swappiness'], check: checkSwappiness },
    { keys: ['oom_kill_disable'], check: checkOomKill },
  ]);
}

function checkCapabilities({ service, place }: ServiceAt): void {
  for (const key of ['cap_add', 'cap_drop']) {
    for (const [index, word] of wordsOf(service[key])) {
      const name = word.toUpperCase().replace(/^CAP_/, '');
      if (name === 'ALL' || CAPABILITIES.includes(name)) continue;
      complain(at(at(place, key), index), {
        code: 'schema.enum',
        message: `${key}: there is no capability ${quoted(word)}`,
        hint: () => didYouMean(name, CAPABILITIES) ?? 'see capabilities(7) for their names',
      });
    }
  }
}

function checkDeviceRules({ service, place }: ServiceAt): void {
  for (const [index, rule] of wordsOf(service['device_cgroup_rules'])) {
    if (parseDeviceRule(rule) !== undefined) continue;
    complain(at(at(place, 'device_cgroup_rules'), index), {
      code: 'schema.pattern',
      message: `device_cgroup_rules: ${quoted(rule)} is not TYPE MAJOR:MINOR ACCESS`,
      hint: 'write "c 10:200 rwm": a, b or c; numbers or *; letters out of r, w and m',
    });
  }
}

function checkDevices({ service, place }: ServiceAt): void {
  for (const [index, device] of dictsOf(service['devices']).entries()) {
    const { permissions } = device;
    if (permissions === undefined || /^[rwm]{0,3}$/.test(String(permissions))) continue;
    complain(partPlace(at(at(place, 'devices'), index), 'permissions'), {
      code: 'schema.pattern',
      message: `the permissions ${quoted(permissions)} of a device are not letters out of r, w and m`,
      hint: 'write SOURCE:TARGET:rwm',
    });
  }
}

function checkSysctls({ service, place }: ServiceAt): void {
  const own = {
    network: service['network_mode'] !== 'host',
    ipc: service['ipc'] !== 'host',
    uts: service['uts'] !== 'host',
  };
  for (const key of keysOf(service['sysctls'])) {
    const refusal = sysctlRefusal(key, own);
    if (refusal === undefined) continue;
    const message = `sysctls: ${quoted(key)} cannot be set: ${refusal}`;
    complain(at(at(place, 'sysctls'), key), { message, hint: SYSCTL_HINT, key: true });
  }
}

function checkUlimits({ service, place }: ServiceAt): void {
  const { ulimits } = service;
  for (const [name, limit] of Object.entries(isDict(ulimits) ? ulimits : {})) {
    const where = at(at(place, 'ulimits'), name);
    if (!ULIMITS.includes(name)) {
      const hint = () => didYouMean(name, ULIMITS) ?? `known are ${ULIMITS.join(', ')}`;
      complain(where, { code: 'schema.enum', message: `there is no ulimit ${quoted(name)}`, hint, key: true });
      continue;
    }
    const [soft, hard] = isDict(limit)
      ? [Number(limit['soft'] ?? 0), Number(limit['hard'] ?? 0)]
      : [Number(limit), Number(limit)];
    const least = Math.min(soft, hard);
    if (!(least >= -1))
      complain(where, { message: `ulimits.${name} is ${least}: limits are 0 or more, or -1 for none` });
    else if (hard !== -1 && (soft === -1 || soft > hard)) {
      complain(where, { message: `ulimits.${name}: the soft limit ${soft} is above the hard limit ${hard}` });
    }
  }
}

function checkIds({ service, place }: ServiceAt): void {
  const user = typeof service['user'] === 'string' ? service['user'].split(':') : [];
  for (const id of user) checkId(id, at(place, 'user'));
  for (const [index, group] of wordsOf(service['group_add'])) checkId(group, at(at(place, 'group_add'), index));
}

function checkId(id: string, place: Place): void {
  if (!/^\d+$/.test(id) || Number(id) <= LARGEST_ID) return;
  complain(place, { message: `the id ${id} is too large: ids go up to ${LARGEST_ID}` });
}

function checkSwappiness({ service, place }: ServiceAt): void {
  const value = Number(service['mem_swappiness']);
  if (Number.isInteger(value) && value >= 0 && value <= 100) return;
  complain(at(place, 'mem_swappiness'), { message: `mem_swappiness is ${value}: it must be 0 to 100` });
}

/** Without a limit it is the whole machine that has no memory left. */
function checkOomKill({ name, service, place }: ServiceAt): void {
  const { deploy } = service;
  const resources = isDict(deploy) && isDict(deploy['resources']) ? deploy['resources']['limits'] : undefined;
  const limited = service['mem_limit'] !== undefined || (isDict(resources) && resources['memory'] !== undefined);
  if (service['oom_kill_disable'] !== true || limited) return;
  const message = `the service "${name}" is not killed for lack of memory, and has no mem_limit`;
  complain(at(place, 'oom_kill_disable'), {
    severity: 'warning',
    code: 'value.range',
    message,
    hint: 'write mem_limit, too',
    key: true,
  });
}

function wordsOf(value: Value | undefined): readonly (readonly [number, string])[] {
  return Array.isArray(value) ? value.map((each, index) => [index, String(each)] as const) : [];
}
