import { treeHasher } from '../host/tree-hash.ts';
import { EMPTY_CONFIG } from '../image/config.ts';
import { imageKey } from '../image/image.ts';
import { containerAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { ImageInfo } from '../model/image.ts';
import type { ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { observe } from '../observe/observe.ts';
import { planUp, type UpOptions } from '../planner/plan.ts';
import type { LoadRequest } from '../spec/load.ts';
import type { WantedBuild } from './build/wanted-builds.ts';
import type { Engine } from './engine.ts';
import { readContents } from './file-contents.ts';
import { foreignPlatforms } from './foreign-platform.ts';
import { runtimeConflicts } from './oci-runtimes.ts';
import { preflight } from './preflight.ts';
import { preflightSecurity } from './preflight-security.ts';
import type { WantedImage } from './pull.ts';
import { rootlessConflicts } from './rootless.ts';

export interface UpPlanOptions extends Omit<UpOptions, 'services' | 'imageKey' | 'contentHash'> {
  /** Images that would be pulled first: the plan is made without what they say. */
  readonly pulls?: readonly WantedImage[];
  /** The same of those that would be built. */
  readonly builds?: readonly WantedBuild[];
  /** How the stack was loaded, or is to be loaded again. */
  readonly load: LoadRequest;
}

/** What `up` would do with a stack; conflicts are in the plan. */
export async function makeUpPlan(engine: Engine, stack: Stack, options: UpPlanOptions): Promise<Plan> {
  const observed = await observe(engine.observer, stack.name, stack);
  const key = stack.secrets === undefined ? new Uint8Array() : await engine.secretKey();
  const files = readContents(stack, key);
  const { load, pulls = [], builds = [], ...wanted } = options;
  const { services } = load;
  const contents = { contentHash: files.contentHash, bindHash: treeHasher() };
  const built = builds.flatMap(({ names }) => names.slice(0, 1));
  const pending = Object.fromEntries([
    ...pulls.map(({ key }) => [key, pendingImage('pulled')] as const),
    ...built.map((name) => [name, pendingImage('built')] as const),
  ]);
  const plan = planUp(
    stack,
    { ...observed, images: { ...pending, ...observed.images } },
    { ...wanted, services, imageKey, ...contents },
  );
  const foreign = foreignPlatforms(engine.machine.host, stack, observed.images);
  const security = preflightSecurity(engine.machine, stack);
  const missing = [
    ...preflight(engine.machine.host, stack),
    ...security.conflicts,
    ...rootlessConflicts(engine.machine, stack),
    ...runtimeConflicts(engine.machine, stack),
  ];
  const found = [...foreign.conflicts, ...missing, ...files.conflicts];
  const conflicts = [...plan.conflicts, ...found];
  const warnings = [
    ...plan.warnings,
    ...foreign.warnings,
    ...security.warnings,
    ...unsupported(engine, stack),
    ...paused(plan, observed),
  ];
  const complete: Plan = {
    ...plan,
    ...(pulls.length > 0 && { pulls: pulls.map(({ reference }) => reference) }),
    ...(built.length > 0 && { builds: built }),
    steps: conflicts.length > 0 ? [] : plan.steps,
    conflicts,
    warnings,
  };
  engine.contents.set(complete, files.contents);
  return complete;
}

/** Stands for an image that is not there yet. */
function pendingImage(how: 'pulled' | 'built'): ImageInfo {
  const later = `(known when it is ${how})`;
  return { id: later, config: { ...EMPTY_CONFIG, command: [later] }, unpacked: false };
}

/** Limits that this machine's kernel can't keep. */
function unsupported({ machine: { cgroups } }: Engine, { services }: Stack): readonly string[] {
  return Object.values(services).flatMap(({ name, resources }) =>
    cgroups.unsupportedResources(resources).map((warning) => `service.${name}: ${warning}`),
  );
}

/** Paused containers are up and stay as they are, unless the plan stops them anyway. */
function paused({ steps }: Plan, { containers }: ObservedState): readonly string[] {
  const stopped = new Set(steps.flatMap((step) => (step.type === 'stop-container' ? [step.address] : [])));
  return Object.values(containers).flatMap(({ spec: { key, name }, status, drift }) =>
    status !== 'paused' ||
    drift.some(({ kind }) => kind === 'frozen') ||
    stopped.has(containerAddress(key.service, key.index))
      ? []
      : [`${name} is paused and stays so; let it go on with: tsstack unpause ${key.service}`],
  );
}

/** Throws one error that says everything that stands in the way. */
export function refuseConflicts({ conflicts }: Plan): void {
  if (conflicts.length === 0) return;
  const lines = conflicts.map(
    ({ address, message, hint }) => `${address}: ${message}${hint === undefined ? '' : `\n  → ${hint}`}`,
  );
  throw new TsstackError('conflict', lines.join('\n'), { hint: 'Nothing was changed' });
}
