import { didYouMean } from '../../lib/nearest.ts';
import { TMPFS_OPTIONS, tmpfsOptionProblem } from '../../model/tmpfs-options.ts';
import { at, complain, type Place } from '../canonical/context.ts';
import { fileTarget } from '../file-target.ts';
import { isDict } from '../node.ts';
import { quoted } from '../printable.ts';
import { pathKind } from '../read.ts';
import {
  type CheckInput,
  checkServices,
  dictsOf,
  partPlace,
  placeOf,
  type ServiceAt,
  type ServiceCheck,
} from './input.ts';

const checks: readonly ServiceCheck[] = [
  { keys: ['volumes', 'tmpfs', 'configs', 'secrets'], check: checkTargets },
  { keys: ['volumes'], check: checkSources },
];

/** The targets of mounts: absolute, and each once in a service. Sources that nothing will make. */
export function checkMounts(input: CheckInput): void {
  checkServices(input, checks);
}

function checkTargets({ service, place }: ServiceAt): void {
  const targets = new Set<string>();
  for (const volume of dictsOf(service['volumes'])) {
    if (volume['type'] === 'npipe') continue;
    checkTarget(String(volume['target']), partPlace(placeOf(volume, at(place, 'volumes')), 'target'), targets);
  }
  for (const [index, spec] of ([service['tmpfs'] ?? []].flat() as unknown[]).entries()) {
    const where = at(at(place, 'tmpfs'), index);
    checkTarget(String(spec).split(':')[0] ?? '', where, targets);
    checkTmpfsOptions(String(spec), where);
  }
  for (const section of ['configs', 'secrets'] as const) {
    for (const item of dictsOf(service[section])) {
      const written = typeof item['target'] === 'string' ? item['target'] : undefined;
      const target = fileTarget(section, String(item['source']), written);
      checkTarget(target, partPlace(placeOf(item, at(place, section)), 'target'), targets);
    }
  }
}

function checkTmpfsOptions(spec: string, place: Place): void {
  const colon = spec.indexOf(':');
  for (const option of colon === -1 ? [] : spec.slice(colon + 1).split(',')) {
    const problem = option === '' ? undefined : tmpfsOptionProblem(option);
    if (problem === undefined) continue;
    const name = option.split('=')[0] ?? '';
    complain(place, {
      message: `the option ${quoted(option)} of a tmpfs cannot be set: ${problem}`,
      hint: () =>
        didYouMean(
          name,
          TMPFS_OPTIONS.filter((each) => each !== name),
        ) ?? 'write size=64m,mode=755,uid=1000',
    });
  }
}

function checkTarget(target: string, place: Place, targets: Set<string>): void {
  if (targets.has(target)) {
    const hint = 'take one of them out, or give it another target';
    complain(place, { code: 'conflict.mount', message: `two mounts have the target "${target}"`, hint });
  }
  if (!target.startsWith('/')) {
    const hint = 'write the path in the container from "/" on';
    complain(place, { message: `the mount target "${target}" is not an absolute path`, hint });
  }
  targets.add(target);
}

/** A warning: the file may be made before the stack is brought up, and `plan` looks again. */
function checkSources({ service, place }: ServiceAt): void {
  for (const volume of dictsOf(service['volumes'])) {
    const { type, source, bind } = volume;
    if (type !== 'bind' || typeof source !== 'string') continue;
    if (!isDict(bind) || bind['create_host_path'] !== false || pathKind(source) !== 'missing') continue;
    complain(partPlace(placeOf(volume, at(place, 'volumes')), 'source'), {
      severity: 'warning',
      code: 'path.missing',
      message: `the bind source ${source} does not exist, and "create_host_path: false" keeps it from being made`,
      hint: 'make it, or leave "create_host_path" out',
    });
  }
}
