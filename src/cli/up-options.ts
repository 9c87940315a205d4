import type { UpRequest } from '../daemon/api.ts';
import { TsstackError } from '../model/error.ts';
import type { ProgressEvent } from '../model/event.ts';
import type { Context } from './command.ts';
import { secondsOption } from './numbers.ts';
import { flag, list, type Options, type Values, value } from './options.ts';
import { loadRequest } from './stack-request.ts';

/** Options that leave out parts of the progress. */
export const QUIET_OPTIONS = {
  'quiet-pull': flag('', 'No progress of pulls'),
  'quiet-build': flag('', 'No progress of builds'),
} satisfies Options;

/** Events that these options leave out. */
export function hiddenEvents(options: Values<typeof QUIET_OPTIONS>): readonly ProgressEvent['type'][] {
  return [
    ...(options['quiet-pull'] ? (['transfer'] as const) : []),
    ...(options['quiet-build'] ? (['build-step', 'build-output'] as const) : []),
  ];
}

/** Of `up`, `create` and `run`. */
export const PULL_OPTION = {
  pull: value('', 'POLICY', 'When images are pulled: always, missing or never, instead of pull_policy'),
} satisfies Options;

/** Options that say how containers are made, of `up` and `create`. */
export const MAKE_OPTIONS = {
  'force-recreate': flag('', 'Replace containers even if nothing has changed'),
  'no-recreate': flag('', 'Leave containers that are there as they were made'),
  'no-deps': flag('', 'Leave the services alone that the named ones depend on'),
  'remove-orphans': flag('', 'Remove containers of services that are no longer in the file'),
  ...PULL_OPTION,
  build: flag('', 'Build all images that can be, not only those that are missing'),
  'no-build': flag('', 'Build no images: a missing one is an error'),
  ...QUIET_OPTIONS,
  scale: list('', 'SERVICE=N', 'Run so many replicas of this service, whatever the file says'),
  'all-resources': flag('', 'Also make networks and volumes that no service uses'),
  yes: flag('y', 'Yes to every question: make volumes again whose definition has changed, without their data'),
} satisfies Options;

const PULL_POLICIES = ['always', 'missing', 'never', 'policy'] as const;

type MakeRequest = Omit<UpRequest, 'requestId' | 'wait'>;

/** The part of a request that these options decide. Throws `usage` where they exclude each other. */
export function makeRequest(
  context: Context,
  options: Values<typeof MAKE_OPTIONS>,
  services: readonly string[],
): MakeRequest {
  excludeEachOther(options, ['build', 'no-build'], ['force-recreate', 'no-recreate']);
  return {
    load: { ...loadRequest(context, services, options.scale), allResources: options['all-resources'] },
    forceRecreate: options['force-recreate'],
    noRecreate: options['no-recreate'],
    noDeps: options['no-deps'],
    removeOrphans: options['remove-orphans'],
    pull: pullPolicy(options.pull),
    build: options.build,
    noBuild: options['no-build'],
    recreateVolumes: options.yes,
  };
}

/** What a request says for `--pull`. Throws `usage`. */
export function pullPolicy(given: string | undefined): NonNullable<UpRequest['pull']> {
  if (given === undefined) return 'policy';
  const found = PULL_POLICIES.find((policy) => policy === given.replace('if_not_present', 'missing'));
  if (found !== undefined) return found;
  throw new TsstackError('usage', `Option --pull needs always, missing or never, got "${given}"`);
}

/** Throws `usage` for the first pair of which both were given. */
export function excludeEachOther(
  options: Readonly<Record<string, boolean | string | readonly string[] | undefined>>,
  ...pairs: readonly (readonly [string, string])[]
): void {
  for (const [one, other] of pairs) {
    if (!isGiven(options[one]) || !isGiven(options[other])) continue;
    throw new TsstackError('usage', `Options --${one} and --${other} exclude each other`);
  }
}

/** Whether an option has a value. */
export function isGiven(value: boolean | string | readonly string[] | undefined): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

/** Options of `up` and `start` that wait. */
export const WAIT_OPTIONS = {
  wait: flag('', 'Return when everything runs and is healthy'),
  'wait-timeout': value('', 'SECONDS', 'Wait at most so long; implies --wait'),
} satisfies Options;

/** Whether and how long to wait. */
export function waitRequest(options: Values<typeof WAIT_OPTIONS>): Pick<UpRequest, 'wait' | 'waitTimeoutMs'> {
  const waitTimeoutMs = secondsOption('wait-timeout', options['wait-timeout']);
  return {
    wait: options.wait || waitTimeoutMs !== undefined,
    ...(waitTimeoutMs !== undefined && { waitTimeoutMs }),
  };
}
