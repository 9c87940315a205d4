import { prepareView } from '../executor/start.ts';
import { livingProcess } from '../host/process.ts';
import { TsstackError } from '../model/error.ts';
import { hasOwnKernel } from '../runtime/oci/runtimes.ts';
import { firstHostId } from '../runtime/user-namespace.ts';
import type { View } from '../runtime/view.ts';
import { containerPaths } from '../store/paths.ts';
import { type ContainerView, listContainers } from './containers.ts';
import type { Engine } from './engine.ts';

export interface CopyOptions {
  readonly service: string;
  readonly index?: number;
  /** One-offs of the service, too. */
  readonly all: boolean;
  /** Only the first of them. */
  readonly first: boolean;
}

/** A container whose files are copied by the client. */
export interface CopyTarget {
  readonly name: string;
  /** The host's id of the container's user 0. */
  readonly idBase: number;
  /** Where something is mounted in it, absolute. */
  readonly mounts: readonly string[];
  /** Where its root is to be seen: a process that runs (with its start time, so that no other is meant), or one to start. */
  readonly root: { readonly pid: number; readonly startTime: string } | { readonly view: View };
}

/** Throws `not-found`, saying how to make one. */
export function chooseContainers(
  engine: Engine,
  stack: string,
  { service, index, all, first }: CopyOptions,
): readonly ContainerView[] {
  const found = listContainers(engine, stack, [service], all).filter(
    ({ record: { key, role, spec } }) =>
      role === undefined && (index === undefined || (spec.oneOff === undefined && key.index === index)),
  );
  if (found.length === 0) {
    const which = index === undefined ? '' : ` with the number ${index}`;
    throw new TsstackError('not-found', `Service "${service}" has no container${which}`, {
      hint: 'Make one first: tsstack create',
    });
  }
  // Replicas before one-offs.
  const sorted = found.toSorted((left, right) => rank(left) - rank(right));
  return first ? sorted.slice(0, 1) : sorted;
}

function rank({ record }: ContainerView): number {
  return record.spec.oneOff === undefined ? 0 : 1;
}

async function targetOf(engine: Engine, { record, observed }: ContainerView): Promise<CopyTarget> {
  const { host, paths } = engine.machine;
  const { spec, key } = record;
  const idBase = spec.namespaces.user === 'private' ? firstHostId(key.stack) : 0;
  const targets = [...spec.mounts, ...(spec.files ?? [])].map(({ target: path }) => path);
  const target = { name: spec.name, idBase, mounts: targets };
  // Who is on his way to be a container has the host's root still.
  if ((observed.pid !== undefined) !== engine.supervisor.runs(key) || observed.status === 'restarting') {
    throw new TsstackError('conflict', `${spec.name} is just being started or started again`, {
      hint: `Try again, or stop it first: tsstack stop ${key.service}`,
    });
  }
  if (observed.pid === undefined) return { ...target, root: { view: await prepareView(engine.machine, spec) } };
  if (hasOwnKernel(spec.runtime)) {
    throw new TsstackError('unsupported-host', `Files of ${spec.name} cannot be copied while ${spec.runtime} runs it`, {
      hint: `Its root may be another kernel's. Stop it first, or mount a volume: tsstack stop ${key.service}`,
    });
  }
  const init = livingProcess(host, containerPaths(paths, key).init);
  if (init === undefined) throw new TsstackError('not-running', `${spec.name} has just ended`, { hint: 'Try again' });
  return { ...target, root: { pid: init.pid, startTime: init.startTime } };
}

/**
 * Gives the containers to `ready`, and keeps those that do not run from being started or removed until `closed`: two
 * mounts of one overlay may destroy it.
 */
export async function holdCopyTargets(
  engine: Engine,
  stack: string,
  options: CopyOptions,
  { ready, closed }: { readonly ready: (targets: readonly CopyTarget[]) => void; readonly closed: Promise<void> },
): Promise<void> {
  const copy = async (): Promise<void> => {
    const chosen = chooseContainers(engine, stack, options);
    ready(await Promise.all(chosen.map((view) => targetOf(engine, view))));
    await closed;
  };
  if (chooseContainers(engine, stack, options).every(({ observed }) => observed.pid !== undefined)) return copy();
  let gone = false;
  void closed.then(() => {
    gone = true;
  });
  await engine.whileBusy(() => engine.stacks.run(stack, async () => (gone ? undefined : copy())));
}
