import type { HostOp } from '../host/op.ts';
import { reportError } from '../model/error.ts';
import type { Service, Stack, WatchRule } from '../model/stack.ts';
import { Diagnostics } from '../spec/diagnose.ts';
import { type LoadResult, loadStack } from '../spec/load.ts';
import { matchRule } from '../watch/match-rule.ts';
import { type FileChange, FileWatcher } from '../watch/watcher.ts';
import { listContainers } from './containers.ts';
import type { Engine } from './engine.ts';
import { restart } from './lifecycle.ts';
import type { UpPlanOptions } from './plan.ts';
import type { Reporting } from './reporting.ts';
import { up } from './up.ts';

/**
 * Brings a stack up and keeps it matched while files change, until the signal; what runs then stays up. A stack file with
 * errors is reported and changes nothing; a failed action is reported and the watch goes on.
 */
export async function watchStack(engine: Engine, options: UpPlanOptions, reporting: Reporting): Promise<void> {
  const { progress, signal } = reporting;
  let found = new Diagnostics();
  const loaded = loadStack(options.load, found);
  let { stack } = loaded;
  const problem = (error: unknown): void => {
    // What the end of the watch interrupts is no problem.
    if (!signal.aborted) progress({ type: 'problem', error: reportError(error) });
  };
  const changed = async (changes: readonly FileChange[]): Promise<void> => {
    try {
      const files = changes.map(({ path }) => path).filter((path) => found.files.has(path));
      if (files.length > 0) {
        progress({ type: 'note', message: `${files.join(', ')} changed` });
        const again = await reload();
        await up(engine, again, { ...options, wait: false }, reporting);
      }
      await applyRules(engine, stack, changes, { options, reporting });
    } catch (error) {
      problem(error);
    }
  };
  /** What belonged to the stack before it broke is what will mend it: files are only left out once it loads. */
  const reload = async (): Promise<LoadResult> => {
    const now = new Diagnostics();
    try {
      const again = loadStack(options.load, now);
      found = now;
      stack = again.stack;
      return again;
    } finally {
      for (const path of now.files) found.files.add(path);
      await watcher.follow(watchedPaths(stack, found));
    }
  };
  const watcher = new FileWatcher({ changed, failed: problem });
  try {
    // Before the stack is up: what changes meanwhile comes after.
    await watcher.follow(watchedPaths(stack, found));
    await up(engine, loaded, { ...options, wait: false }, reporting);
    const present = watchedPaths(stack, found).filter((path) => engine.machine.host.stat(path) !== undefined);
    progress({ type: 'note', message: `Watching ${present.join(', ')}` });
    await aborted(signal);
  } finally {
    await watcher.close();
  }
  progress({ type: 'note', message: `Not watching any more; stack "${stack.name}" stays up` });
}

/** Every file that decides what the stack is, included and environment files too, and what its rules name. */
function watchedPaths(stack: Stack, { files }: Diagnostics): readonly string[] {
  const rules = Object.values(stack.services).flatMap(({ watch }) => watch.map(({ path }) => path));
  return [...new Set([...files, ...rules])];
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One batch of changes: what is built anew first, then all syncs of a service, then at most one restart. */
async function applyRules(
  engine: Engine,
  stack: Stack,
  changes: readonly FileChange[],
  { options, reporting }: { readonly options: UpPlanOptions; readonly reporting: Reporting },
): Promise<void> {
  const rebuild = Object.values(stack.services).filter((service) => isRebuilt(service, changes));
  if (rebuild.length > 0) {
    const names = rebuild.map(({ name }) => name);
    reporting.progress({ type: 'note', message: `${names.join(', ')}: building` });
    await up(engine, { stack, diagnostics: [] }, { ...options, rebuild: names, wait: false }, reporting);
  }
  for (const service of Object.values(stack.services)) {
    // What is new has what is to be synced.
    if (rebuild.includes(service)) continue;
    const matched = service.watch.flatMap((rule) => matchedChanges(rule, changes));
    const syncs = matched.filter(({ rule }) => rule.action === 'sync' || rule.action === 'sync+restart');
    if (syncs.length > 0) {
      await engine.machine.host.perform(copyOperations(engine, stack, service, syncs));
      reporting.progress({
        type: 'note',
        message: `${service.name}: synced ${syncs.map(({ target }) => target).join(', ')}`,
      });
    }
    if (matched.some(({ rule }) => rule.action === 'restart' || rule.action === 'sync+restart')) {
      reporting.progress({ type: 'note', message: `${service.name}: restarting` });
      await restart(engine, stack.name, { services: [service.name] }, reporting);
    }
  }
}

function isRebuilt({ build, watch }: Service, changes: readonly FileChange[]): boolean {
  if (build === undefined) return false;
  return watch.some(
    (rule) => rule.action === 'rebuild' && changes.some(({ path }) => matchRule(rule, path) !== undefined),
  );
}

interface MatchedChange {
  readonly rule: WatchRule;
  readonly change: FileChange;
  readonly target: string;
}

function matchedChanges(rule: WatchRule, changes: readonly FileChange[]): readonly MatchedChange[] {
  return changes.flatMap((change) => {
    const target = matchRule(rule, change.path);
    return target === undefined ? [] : [{ rule, change, target }];
  });
}

function copyOperations(
  engine: Engine,
  stack: Stack,
  service: Service,
  syncs: readonly MatchedChange[],
): readonly HostOp[] {
  const running = listContainers(engine, stack.name, [service.name]).flatMap(({ observed }) => observed.pid ?? []);
  return running.flatMap((pid) =>
    syncs.map(
      ({ change, target }): HostOp => ({
        op: 'copy-into',
        root: `/proc/${pid}/root`,
        target,
        ...(!change.removed && { source: change.path }),
      }),
    ),
  );
}
