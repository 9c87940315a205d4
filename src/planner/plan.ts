import type { ContainerSpec } from '../model/container.ts';
import type { ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import { resourceChanges } from './changes.ts';
import { checkConnections, checkSharers } from './connections.ts';
import { decideContainers } from './decide.ts';
import { observedKey } from './draft.ts';
import { checkNames, keepSpecs, sortContainers } from './drafts.ts';
import { expandServices } from './expand.ts';
import type { ContentHash } from './files.ts';
import type { Findings } from './findings.ts';
import type { BindHash } from './mounts.ts';
import { planNetworks } from './networks.ts';
import { type Scope, selectServices } from './scope.ts';
import { noteLive } from './shapes.ts';
import { type Decisions, upSteps } from './steps.ts';
import { afterContainers, planVolumes, renewVolumes } from './volumes.ts';
import { checkDependencies, replicasOf } from './wait-for.ts';

export { planDown } from './down.ts';
export { planRemove } from './remove.ts';
export { planRestart, planStart, planStop } from './runs.ts';

export interface UpOptions {
  /** Only these services and their dependencies; empty: all. */
  readonly services: readonly string[];
  readonly forceRecreate: boolean;
  readonly noDeps: boolean;
  readonly removeOrphans: boolean;
  /** Start nothing: what is made anew stays as it is made, what runs and is not replaced runs on. */
  readonly noStart?: boolean;
  /** Containers that are made anew begin with empty anonymous volumes. */
  readonly renewAnonVolumes?: boolean;
  /** Containers that are there stay as they were made, whatever the file says now. */
  readonly noRecreate?: boolean;
  /** Also replace the containers of services that the named ones depend on. */
  readonly recreateDeps?: boolean;
  /** Also start what has done its work. */
  readonly runAgain?: boolean;
  /** Make networks and volumes that no service uses, too; the stack must have been loaded with them. */
  readonly allResources?: boolean;
  /** Volumes whose definition has changed are made again, without what is in them. */
  readonly recreateVolumes?: boolean;
  /** Say nothing of orphans. */
  readonly ignoreOrphans?: boolean;
  /** Time to stop before a container is killed; absent: each service's own grace period. */
  readonly timeoutMs?: number;
  /** Keys of `images` for a source; the planner doesn't know how images are named. */
  readonly imageKey: (source: Stack['services'][string]['source']) => string;
  /** By replica (`web.1`): what it is to be, whatever the file says; for a rollback. */
  readonly instead?: ReadonlyMap<string, ContainerSpec>;
  /** What tells the present content of a config or secret from others; absent: contents are not compared. */
  readonly contentHash?: ContentHash;
  /** The same for the source of a bind, absolute; undefined: it is not there. */
  readonly bindHash?: BindHash;
}

/**
 * What makes `observed` match `stack`. Pure: same input, same plan. A plan with conflicts has no steps; its changes show
 * what was wanted.
 */
export function planUp(stack: Stack, observed: ObservedState, options: UpOptions): Plan {
  const findings: Findings = { conflicts: [], warnings: [] };
  const scope = selectServices(stack, options, findings);
  const keep = options.noRecreate === true;
  const expanded = expandServices({ ...options, stack, observed, findings }, scope.services);
  const instead = expanded.map((spec) => options.instead?.get(observedKey(spec)) ?? spec);
  const specs = keep ? keepSpecs(instead, observed) : instead;
  const sorted = sortContainers({ stack, scope, specs, observed, keep, removeOrphans: options.removeOrphans });
  const networks = planNetworks({
    stack,
    observed,
    containers: specs,
    bystanders: [...sorted.bystanders, ...(keep ? Object.values(observed.containers) : [])],
    unused: options.allResources === true,
    complete: scope.complete,
    findings,
  });
  const { volumes, lossy } = planVolumes({
    stack,
    containers: specs,
    unused: options.allResources === true,
    recreate: options.recreateVolumes === true && !keep,
    bystanders: sorted.bystanders,
    observed,
    findings,
  });
  const { handover, updates } = decideContainers({
    stack,
    sorted,
    networks,
    emptied: new Set(volumes.flatMap(({ action, volume }) => (action === 'replace' ? volume.name : []))),
    forced: forcedServices(scope, options),
    noStart: options.noStart === true,
    runAgain: options.runAgain === true,
    observed,
    findings,
  });
  const renewed = options.renewAnonVolumes === true ? renewVolumes(sorted.drafts, observed) : [];
  const decisions: Decisions = {
    ...sorted,
    networks,
    volumes: [...afterContainers(volumes, sorted), ...renewed],
    handover,
    updates,
    imageKey: options.imageKey,
    images: observed.images,
    timeoutMs: options.timeoutMs,
  };
  checkNames(sorted, observed.host.foreignContainerNames, findings);
  checkConnections(sorted, observed.host.foreignContainerNames, findings);
  checkSharers(sorted, findings);
  noteLive(sorted.drafts, findings);
  checkDependencies(replicasOf(specs), new Set(Object.keys(stack.services)), findings);
  if (sorted.orphans.length > 0 && !options.removeOrphans && options.ignoreOrphans !== true) {
    findings.warnings.push(
      `Containers of services that are no longer in the stack file: ${sorted.orphans.join(', ')}. Remove them with --remove-orphans.`,
    );
  }
  return {
    stack: stack.name,
    changes: resourceChanges(decisions),
    steps: findings.conflicts.length > 0 ? [] : upSteps(decisions),
    ...(updates.length > 0 && { updates }),
    ...findings,
    ...(lossy.length > 0 && !keep && { lossyVolumes: lossy }),
    orphans: sorted.orphans,
  };
}

/** Services whose containers are replaced whatever they are like. */
function forcedServices({ services, named }: Scope, options: UpOptions): ReadonlySet<string> {
  const names = services.map(({ name }) => name);
  return new Set(names.filter((name) => (named.has(name) ? options.forceRecreate : options.recreateDeps === true)));
}
