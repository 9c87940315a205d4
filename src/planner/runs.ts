import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Conflict, Plan, ResourceChange, Step, StepId } from '../model/plan.ts';
import { dependenciesOf, dependencyGraph } from './dependencies.ts';
import { addressOf, compareSpecs, isFresh, isUp } from './draft.ts';
import { LEFT_OVER_BY_START } from './drafts.ts';
import { type Ending, endSteps } from './end-steps.ts';
import { startCause } from './lifecycle.ts';
import { mendContainers, mendNetworks } from './mend.ts';
import { anchors, reversed, sortSteps } from './order.ts';
import { withPreStart } from './pre-start-steps.ts';
import { unknownService } from './scope.ts';
import { stepId } from './step-id.ts';
import { replicasOf, waitsOf } from './wait-for.ts';

/** Stop the containers of some services (empty: all), dependents first. */
export function planStop(
  stack: string,
  observed: ObservedState,
  services: readonly string[],
  timeoutMs?: number,
): Plan {
  const { all, chosen, conflicts } = choose(observed, services);
  const cause = 'stopped by the user';
  const stopped = chosen.filter(isUp);
  const endings = stopped.map((each) => ({ observed: each, cause, keep: true, removeVolumes: false, timeoutMs }));
  return runPlan(stack, conflicts, {
    changes: stopped.map(({ spec }) => ({ address: addressOf(spec), action: 'stop', cause, fields: [] })),
    steps: endSteps(endings, all),
  });
}

/**
 * Start stopped containers as they were made, dependencies first; what a named service depends on is started too. One
 * that has done its work is started again only when it is named.
 */
export function planStart(stack: string, observed: ObservedState, services: readonly string[]): Plan {
  const { all, chosen, conflicts } = choose(observed, services);
  const named = new Set(services);
  const started = withDependencies(chosen, all).filter(
    (each) => isReplica(each) && !isUp(each) && (named.has(each.spec.key.service) || startCause(each) !== undefined),
  );
  const cause = 'started by the user';
  return runPlan(stack, conflicts, {
    changes: started.map(({ spec }) => ({ address: addressOf(spec), action: 'start', cause, fields: [] })),
    steps: [
      ...mendNetworks(started, observed.networks),
      ...mendContainers(started),
      ...endSteps(leftOvers(started, all), all),
      ...startSteps(started, all, cause),
    ],
  });
}

interface RestartOptions {
  readonly timeoutMs?: number | undefined;
  /** Leave those alone that ask to be restarted with what they depend on. */
  readonly noDeps?: boolean;
}

/** Stop and start again, with the dependents that ask for it (`depends_on.*.restart`). What has ended is started, jobs too. */
export function planRestart(
  stack: string,
  observed: ObservedState,
  services: readonly string[],
  { timeoutMs, noDeps = false }: RestartOptions = {},
): Plan {
  const { all, chosen, conflicts } = choose(observed, services);
  const cause = 'restarted by the user';
  const restarted = (noDeps ? chosen : withRestartedDependents(chosen, all)).filter(isReplica);
  const endings = restarted.map((each) => ({ observed: each, cause, keep: true, removeVolumes: false, timeoutMs }));
  return runPlan(stack, conflicts, {
    changes: restarted.map(({ spec }) => ({ address: addressOf(spec), action: 'start', cause, fields: [] })),
    steps: [...endSteps([...endings, ...leftOvers(restarted, all)], all), ...startSteps(restarted, all, cause)],
  });
}

/** What an update that was cut short has left is for the next `up`. */
function isReplica({ role, spec }: ObservedContainer): boolean {
  return role === undefined && !isPreStart(spec);
}

function isPreStart({ oneOff }: ObservedContainer['spec']): boolean {
  return oneOff?.preStart !== undefined;
}

/** Containers of a stack that a command is about. */
export interface Choice {
  readonly all: readonly ObservedContainer[];
  readonly chosen: readonly ObservedContainer[];
  readonly conflicts: readonly Conflict[];
}

/** Those of some services (empty: all replicas, no one-off of `run`); a service that has none is a conflict. */
export function choose(observed: ObservedState, services: readonly string[]): Choice {
  const all = Object.values(observed.containers).sort((left, right) => compareSpecs(left.spec, right.spec));
  const known = [...new Set(all.flatMap(({ spec }) => namesOf(spec)))];
  const named = new Set(services);
  return {
    all,
    chosen: all.filter(({ spec }) =>
      services.length === 0
        ? spec.oneOff === undefined || isPreStart(spec)
        : namesOf(spec).some((name) => named.has(name)),
    ),
    conflicts: [...named]
      .filter((service) => !known.includes(service))
      .map((service) => unknownService(service, known)),
  };
}

/** What a container is chosen by: its service; a one-off also by its container name, one of `pre_start` by whose it is. */
function namesOf({ key, name, oneOff }: ObservedContainer['spec']): readonly string[] {
  if (oneOff === undefined) return [key.service];
  return oneOff.preStart === undefined ? [key.service, name] : [key.service, name, oneOff.service];
}

/** A plan that touches nothing but containers and what goes with them; none of it with a conflict. */
export function runPlan(
  stack: string,
  conflicts: readonly Conflict[],
  what: { readonly changes: readonly ResourceChange[]; readonly steps: readonly Step[] },
): Plan {
  const steps = conflicts.length > 0 ? [] : sortSteps(what.steps);
  return { stack, changes: what.changes, steps, conflicts, warnings: [], orphans: [] };
}

/** The order is that of `all` containers, also across those that are not started. */
export function startSteps(
  started: readonly ObservedContainer[],
  all: readonly ObservedContainer[],
  cause: string,
): readonly Step[] {
  const replicas = replicasOf(all.filter(isReplica).map(({ spec }) => spec));
  const own = new Map<string, StepId[]>();
  for (const { spec } of started) {
    const steps = own.get(spec.key.service) ?? [];
    steps.push(stepId('start', addressOf(spec)));
    own.set(spec.key.service, steps);
  }
  const waits = anchors(dependencyGraph(all.map(({ spec }) => spec)), (service) => own.get(service) ?? []);
  const starts = started.map(({ spec }) => {
    const address = addressOf(spec);
    const dependsOn = [stepId('stop', address), stepId('update', address), ...(waits.get(spec.key.service) ?? [])];
    const waitFor = waitsOf(spec, replicas);
    return { type: 'start-container' as const, id: stepId('start', address), address, cause, dependsOn, spec, waitFor };
  });
  const fresh = new Set(started.filter(isFresh).map(({ spec }) => spec));
  const running = all.filter((each) => isUp(each) && isReplica(each) && !started.includes(each));
  return withPreStart(starts, {
    isFresh: (spec) => fresh.has(spec),
    running: new Set(running.map(({ spec }) => spec.key.service)),
    // They were unpacked when the container was made.
    unpacked: (source) => JSON.stringify(source),
  });
}

/** What was run before a start that was cut short goes, and is run again from its beginning. */
function leftOvers(started: readonly ObservedContainer[], all: readonly ObservedContainer[]): readonly Ending[] {
  const services = new Set(started.map(({ spec }) => spec.key.service));
  return all
    .filter(({ spec }) => isPreStart(spec) && services.has(spec.oneOff?.service ?? ''))
    .map((observed) => ({ observed, cause: LEFT_OVER_BY_START, keep: false, removeVolumes: false }));
}

function withDependencies(
  chosen: readonly ObservedContainer[],
  all: readonly ObservedContainer[],
): readonly ObservedContainer[] {
  const graph = dependencyGraph(all.map(({ spec }) => spec));
  return closure(chosen, all, (service) => graph.get(service) ?? []);
}

/** With the containers of all services that depend on them, and so on. */
export function withDependents(
  chosen: readonly ObservedContainer[],
  all: readonly ObservedContainer[],
): readonly ObservedContainer[] {
  const dependents = reversed(dependencyGraph(all.map(({ spec }) => spec)));
  return closure(chosen, all, (service) => dependents.get(service) ?? []);
}

function withRestartedDependents(
  chosen: readonly ObservedContainer[],
  all: readonly ObservedContainer[],
): readonly ObservedContainer[] {
  const dependents = new Map<string, string[]>();
  for (const { spec } of all.filter(isUp)) {
    for (const [service, { restart }] of dependenciesOf(spec)) {
      if (restart) dependents.set(service, [...(dependents.get(service) ?? []), spec.key.service]);
    }
  }
  const reached = closure(chosen, all, (service) => dependents.get(service) ?? []);
  const direct = new Set(chosen);
  return reached.filter((each) => direct.has(each) || isUp(each));
}

/** The containers of all services that can be reached from those of `chosen`. */
function closure(
  chosen: readonly ObservedContainer[],
  all: readonly ObservedContainer[],
  next: (service: string) => readonly string[],
): readonly ObservedContainer[] {
  const queue = chosen.map(({ spec }) => spec.key.service);
  const reached = new Set<string>();
  for (let service = queue.pop(); service !== undefined; service = queue.pop()) {
    if (reached.has(service)) continue;
    reached.add(service);
    queue.push(...next(service));
  }
  return all.filter(({ spec }) => reached.has(spec.key.service));
}
