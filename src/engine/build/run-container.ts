import { randomBytes } from 'node:crypto';
import type { RunOutcome, RunRequest } from '../../build/execute/work.ts';
import type { LayerEntry } from '../../build/layer/layer-entry.ts';
import { removeStaleStaging } from '../../image/staging.ts';
import { LogReader } from '../../log/log-reader.ts';
import type { ContainerKey } from '../../model/address.ts';
import { TsstackError } from '../../model/error.ts';
import { upperEntries } from '../changes.ts';
import { type ContainerView, listContainers } from '../containers.ts';
import { converge } from '../converge.ts';
import { down } from '../down.ts';
import type { Engine } from '../engine.ts';
import { RUN_SERVICE, runStack } from './run-stack.ts';

/** What the stacks of builds are called, one for each RUN: `tsstack-build-3f9a1c07`. */
const PREFIX = 'tsstack-build-';

/**
 * Runs a program of a RUN as a stack of its own with one container and, unless it says otherwise, one network: so no step
 * sees another, and what a killed daemon leaves behind is found by its name. `collect` gets at its changes before all of
 * it is removed.
 */
export async function runContainer<Result>(
  engine: Engine,
  request: RunRequest,
  collect: (outcome: RunOutcome, changes: () => Promise<readonly LayerEntry[]>) => Promise<Result>,
): Promise<Result> {
  const { signal } = request;
  const name = `${PREFIX}${randomBytes(4).toString('hex')}`;
  const stack = runStack(name, request);
  const quiet = { signal, progress: () => undefined };
  try {
    await converge(
      engine,
      stack,
      { load: NO_FILES, forceRecreate: false, noDeps: false, removeOrphans: false, wait: false },
      quiet,
    );
    const view = await ended(engine, name, request);
    const { exitCode = 1, oomKilled } = view.record;
    return await collect({ exitCode, oomKilled }, async () => {
      const overlays = await upperEntries(engine, view, signal);
      return overlays.flatMap(({ entries }) => entries);
    });
  } catch (error) {
    throw signal.aborted ? new TsstackError('cancelled', 'the build was cancelled', { cause: error }) : error;
  } finally {
    await removeStack(engine, name);
  }
}

const NO_FILES = { files: [], cwd: '/', env: {}, envFiles: [], profiles: [], services: [] };

/** Passes on what it writes until it has ended. */
async function ended(engine: Engine, stack: string, { output, signal }: RunRequest): Promise<ContainerView> {
  const key: ContainerKey = { stack, service: RUN_SERVICE, index: 1 };
  const view = viewOf(engine, stack);
  const decoder = new TextDecoder();
  const paths = [view.logPath, ...(view.errorLogPath === undefined ? [] : [view.errorLogPath])];
  const readers = paths.map(
    (path) =>
      new LogReader([{ path, prefix: '' }], { follow: true, timestamps: false }, async (bytes) => {
        output(decoder.decode(bytes, { stream: true }));
      }),
  );
  const reading = Promise.all(readers.map((reader) => reader.run()));
  try {
    while (engine.supervisor.runs(key)) await engine.supervisor.changes.next(signal);
    // As it is now: somebody may be starting it again.
    return viewOf(engine, stack);
  } finally {
    for (const reader of readers) reader.finish();
    await reading;
  }
}

function viewOf(engine: Engine, stack: string): ContainerView {
  const [view] = listContainers(engine, stack, []);
  if (view === undefined) throw new TsstackError('build-failed', 'The container of the step was removed meanwhile');
  return view;
}

/** What builds have left that a killed daemon was doing: stacks, and directories that they worked in. */
export async function removeAbandonedBuilds(engine: Engine): Promise<void> {
  const { records, paths } = engine.machine;
  const stacks = new Set([
    ...records.containers.all().map(({ key }) => key.stack),
    ...records.stacks.all().map(({ name }) => name),
  ]);
  const abandoned = [...stacks].filter((name) => name.startsWith(PREFIX));
  await engine.whileBusy(async () => {
    const removals = [...abandoned.map((name) => removeStack(engine, name)), removeStaleStaging(paths)];
    for (const removal of await Promise.allSettled(removals)) {
      // The next daemon tries again.
      if (removal.status === 'rejected') process.stderr.write(`Cannot remove a build: ${String(removal.reason)}\n`);
    }
  });
}

async function removeStack(engine: Engine, name: string): Promise<void> {
  const quiet = { signal: new AbortController().signal, progress: () => undefined };
  await down(engine, name, { removeVolumes: true, timeoutMs: 0 }, quiet);
}
