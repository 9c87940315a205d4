import type { ObservedContainer } from '../model/observed.ts';
import { dependenciesOf } from './dependencies.ts';
import { type Draft, isUp } from './draft.ts';

/**
 * Why a container that is there should be started; undefined: it is as it should be. One that has ended by itself with
 * status 0, and whose policy doesn't start it again, has done its work.
 */
export function startCause(container: ObservedContainer): string | undefined {
  if (isUp(container)) return undefined;
  if (container.status === 'created') return 'never started';
  if (container.stoppedByUser) return 'stopped by the user';
  if (container.exitCode === undefined) return 'not running';
  const { condition } = container.spec.restart;
  if (container.exitCode === 0 && (condition === 'no' || condition === 'on-failure')) return undefined;
  return `exited with status ${container.exitCode}`;
}

/** Restarts the containers that ask for it (`depends_on.*.restart`) when a dependency is replaced or restarted, and so on. */
export function restartDependents(drafts: readonly Draft[]): void {
  const byService = new Map<string, Draft[]>();
  const dependents = new Map<string, Set<string>>();
  for (const draft of drafts) {
    const { service } = draft.spec.key;
    byService.set(service, [...(byService.get(service) ?? []), draft]);
    for (const [dependency, { restart }] of dependenciesOf(draft.spec)) {
      if (restart) dependents.set(dependency, (dependents.get(dependency) ?? new Set()).add(service));
    }
  }
  const queue = [
    ...new Set(
      drafts.filter(({ action, restart }) => action === 'replace' || restart).map(({ spec }) => spec.key.service),
    ),
  ];
  const seen = new Set(queue);
  for (let service = queue.pop(); service !== undefined; service = queue.pop()) {
    for (const dependent of dependents.get(service) ?? []) {
      for (const draft of byService.get(dependent) ?? []) restart(draft, service);
      if (!seen.has(dependent)) queue.push(dependent);
      seen.add(dependent);
    }
  }
}

function restart(draft: Draft, dependency: string): void {
  const kept = draft.action === 'keep' || draft.action === 'update';
  if (!kept || draft.restart || draft.observed === undefined || !isUp(draft.observed)) return;
  draft.restart = true;
  draft.startCause = `restarted with service "${dependency}"`;
}
