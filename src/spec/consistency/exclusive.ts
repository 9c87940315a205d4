import { at, complain } from '../canonical/context.ts';
import { isDict } from '../node.ts';
import {
  type CheckInput,
  checkServices,
  dictsOf,
  keysOf,
  placeOf,
  type ServiceAt,
  type ServiceCheck,
} from './input.ts';

const checks: readonly ServiceCheck[] = [
  { keys: ['network_mode'], check: checkNetworkMode },
  { keys: ['build'], check: checkDockerfile },
  { keys: ['build'], check: checkPlatform },
  { keys: ['develop'], check: checkWatch },
];

/** Keys that exclude each other, or that must agree. */
export function checkExclusive(input: CheckInput): void {
  checkServices(input, checks);
}

function checkNetworkMode({ name, service, place }: ServiceAt): void {
  if (keysOf(service['networks']).length === 0) return;
  const message = `the service "${name}" has both "network_mode" and "networks": keep one`;
  complain(at(place, 'network_mode'), { code: 'conflict.key', message, key: true });
}

function checkDockerfile({ name, service, place }: ServiceAt): void {
  const build = service['build'];
  if (!isDict(build) || build['dockerfile'] === undefined || build['dockerfile_inline'] === undefined) return;
  const message = `the service "${name}" has both "dockerfile" and "dockerfile_inline": keep one`;
  complain(at(at(place, 'build'), 'dockerfile_inline'), { code: 'conflict.key', message, key: true });
}

function checkPlatform({ name, service, place }: ServiceAt): void {
  const build = service['build'];
  const platforms = isDict(build) ? build['platforms'] : undefined;
  const platform = service['platform'];
  if (!Array.isArray(platforms) || platform === undefined || platforms.includes(platform)) return;
  const message = `the service "${name}" has the platform "${String(platform)}", which its build.platforms do not list`;
  complain(at(place, 'platform'), { code: 'conflict.key', message, hint: 'add it to build.platforms' });
}

function checkWatch({ service, place }: ServiceAt): void {
  const rules = at(at(place, 'develop'), 'watch');
  for (const rule of dictsOf(isDict(service['develop']) ? service['develop']['watch'] : undefined)) {
    if (rule['target'] !== undefined || ['rebuild', 'restart'].includes(String(rule['action']))) continue;
    const message = `a watch rule with the action "${String(rule['action'])}" needs a target`;
    const hint = 'write "target: PATH", where the files go in the container';
    complain(placeOf(rule, rules), { code: 'schema.missing', message, hint });
  }
}
