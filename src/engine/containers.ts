import { prepareExec } from '../executor/exec.ts';
import { imageName } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import type { HealthResult } from '../model/health.ts';
import type { ObservedContainer, Traffic, Usage } from '../model/observed.ts';
import { readTraffic } from '../network/traffic.ts';
import { observeContainer } from '../observe/container.ts';
import type { Exec } from '../runtime/exec.ts';
import { hasErrorLog } from '../runtime/streams.ts';
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
  /** Absent where it does not run, or has no network namespace of its own. */
  readonly traffic?: Traffic;
  readonly logPath: string;
  readonly errorLogPath?: string;
  readonly health: readonly HealthResult[];
  readonly detail?: string;
}

/**
 * Containers of a stack, sorted by service and number. `services`: only those; empty: all. A one-off is among them where
 * it is named itself, by its name in the stack or its container name; with `oneOffs` also as one of its service.
 */
export function listContainers(
  engine: Engine,
  stack: string,
  services: readonly string[],
  oneOffs = false,
): readonly ContainerView[] {
  requireServices(engine, stack, services);
  const { paths, records, cgroups } = engine.machine;
  return records
    .containersOf(stack)
    .filter((record) => isChosen(record, services, oneOffs))
    .toSorted(
      (left, right) =>
        compare(left.key.service, right.key.service) ||
        left.key.index - right.key.index ||
        compare(left.role ?? '', right.role ?? ''),
    )
    .map((record) => {
      const observed = observeContainer(engine.observer, record);
      const usage = observed.pid !== undefined ? cgroups.usage(cgroupName(record.key)) : undefined;
      const own = record.spec.networkMode.type === 'networks' && observed.pid !== undefined;
      const traffic = own ? readTraffic(engine.machine.host, observed.pid) : undefined;
      const { detail } = engine.supervisor.state(record.key);
      return {
        record,
        observed,
        image: imageName(record.spec.image.source),
        ...(usage !== undefined && { usage }),
        ...(traffic !== undefined && { traffic }),
        logPath: containerPaths(paths, record.key).log,
        ...(hasErrorLog(record.spec) && { errorLogPath: containerPaths(paths, record.key).errorLog }),
        health: engine.supervisor.healthResults(record.key),
        ...(detail !== undefined && { detail }),
      };
    });
}

function isChosen(
  { key, spec: { name, oneOff } }: ContainerRecord,
  services: readonly string[],
  all: boolean,
): boolean {
  if (oneOff === undefined) return services.length === 0 || services.includes(key.service);
  if (services.includes(key.service) || services.includes(name)) return true;
  return all && (services.length === 0 || services.includes(oneOff.service));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

export interface ExecOptions extends Target {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly tty: boolean;
  readonly privileged: boolean;
}

/** Which container of a service a command is about. */
export interface Target {
  readonly service: string;
  /** Of a replica; absent: the first that runs, or else a one-off that does. */
  readonly index?: number;
}

/** A container that runs and is not paused. Throws `not-found`, `not-running`. */
export function runningContainer(
  engine: Engine,
  stack: string,
  { service, index }: Target,
): ContainerView & { readonly pid: number } {
  const named = listContainers(engine, stack, [service]);
  const views = index === undefined ? [...named, ...listContainers(engine, stack, [service], true)] : named;
  const wanted = views.filter(
    ({ record: { key, spec } }) => index === undefined || (spec.oneOff === undefined && key.index === index),
  );
  const up = wanted.filter(({ observed }) => observed.pid !== undefined);
  const running = up.find(({ observed }) => observed.status !== 'paused') ?? up[0];
  const pid = running?.observed.pid;
  if (running === undefined || pid === undefined) {
    const replica = index === undefined ? '' : ` (replica ${index})`;
    throw new TsstackError('not-running', `Service "${service}"${replica} has no running container`, {
      hint: `See why: tsstack ps, tsstack logs ${service}`,
    });
  }
  if (running.observed.status === 'paused') {
    throw new TsstackError('not-running', `${running.record.spec.name} is paused: nothing can run in it`, {
      hint: `Let it go on first: tsstack unpause ${service}`,
    });
  }
  return { ...running, pid };
}

/** What the client performs to run a command in a running container. Throws `not-found`, `not-running`. */
export async function execIn(
  engine: Engine,
  stack: string,
  options: ExecOptions,
): Promise<Pick<Exec, 'argv' | 'launcher' | 'listing'> & { ptmxPath: string }> {
  const { pid, record } = runningContainer(engine, stack, options);
  const { user, workingDir } = options;
  const exec = await prepareExec(engine.machine, record, pid, {
    argv: options.command,
    environment: options.environment,
    tty: options.tty,
    privileged: options.privileged,
    ...(user !== undefined && { user }),
    ...(workingDir !== undefined && { workingDir }),
  });
  return { ...exec, ptmxPath: exec.hostTerminal ? '/dev/pts/ptmx' : `/proc/${pid}/root/dev/pts/ptmx` };
}
