import { prepareExec } from '../executor/exec.ts';
import { imageKey } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import type { HealthResult } from '../model/health.ts';
import type { ObservedContainer, Usage } from '../model/observed.ts';
import { observeContainer } from '../observe/container.ts';
import { cgroupName, containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { Engine } from './engine.ts';
import { requireServices } from './lifecycle.ts';

/** One container with everything that is known of it. */
export interface ContainerView {
  readonly record: ContainerRecord;
  readonly observed: ObservedContainer;
  /** `oci:/dir:latest`, `host`, … */
  readonly image: string;
  readonly usage?: Usage;
  readonly logPath: string;
  readonly health: readonly HealthResult[];
  readonly detail?: string;
}

/** Containers of a stack, sorted by service and number. `services`: only those; empty: all. */
export function listContainers(engine: Engine, stack: string, services: readonly string[]): readonly ContainerView[] {
  requireServices(engine, stack, services);
  const { paths, records, cgroups } = engine.machine;
  return records
    .containersOf(stack)
    .filter(({ key }) => services.length === 0 || services.includes(key.service))
    .toSorted(
      (left, right) =>
        compare(left.key.service, right.key.service) ||
        left.key.index - right.key.index ||
        compare(left.role ?? '', right.role ?? ''),
    )
    .map((record) => {
      const observed = observeContainer(engine.observer, record);
      const usage = observed.pid !== undefined ? cgroups.usage(cgroupName(record.key)) : undefined;
      const { detail } = engine.supervisor.state(record.key);
      return {
        record,
        observed,
        image: imageKey(record.spec.image.source),
        ...(usage !== undefined && { usage }),
        logPath: containerPaths(paths, record.key).log,
        health: engine.supervisor.healthResults(record.key),
        ...(detail !== undefined && { detail }),
      };
    });
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

export interface ExecOptions {
  readonly service: string;
  readonly index?: number;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}

/** What the client performs to run a command in a running container. Throws `not-found`, `not-running`. */
export async function execIn(
  engine: Engine,
  stack: string,
  options: ExecOptions,
): Promise<{ argv: readonly string[]; launcher: Uint8Array; ptmxPath: string }> {
  const views = listContainers(engine, stack, [options.service]);
  const wanted = views.filter(({ record }) => options.index === undefined || record.key.index === options.index);
  const up = wanted.filter(({ observed }) => observed.pid !== undefined);
  const running = up.find(({ observed }) => observed.status !== 'paused') ?? up[0];
  if (running?.observed.pid === undefined) {
    const replica = options.index === undefined ? '' : ` (replica ${options.index})`;
    throw new TsstackError('not-running', `Service "${options.service}"${replica} has no running container`, {
      hint: `See why: tsstack ps, tsstack logs ${options.service}`,
    });
  }
  if (running.observed.status === 'paused') {
    throw new TsstackError('not-running', `${running.record.spec.name} is paused: nothing can run in it`, {
      hint: `Let it go on first: tsstack unpause ${options.service}`,
    });
  }
  const { pid } = running.observed;
  const { user, workingDir } = options;
  const exec = await prepareExec(engine.machine, running.record, pid, {
    argv: options.command,
    environment: options.environment,
    tty: options.tty,
    privileged: options.privileged,
    ...(user !== undefined && { user }),
    ...(workingDir !== undefined && { workingDir }),
  });
  return { argv: exec.argv, launcher: exec.launcher, ptmxPath: `/proc/${pid}/root/dev/pts/ptmx` };
}
