import { randomBytes } from 'node:crypto';
import { TsstackError } from '../model/error.ts';
import type { Volume } from '../model/stack.ts';
import { type OneOffOptions, oneOffName, withOneOff } from '../planner/one-off.ts';
import { defaultHostIp } from '../spec/canonical/default-host-ip.ts';
import { type LoadRequest, type LoadResult, loadStack } from '../spec/load.ts';
import type { Value } from '../spec/node.ts';
import { type ContainerView, listContainers } from './containers.ts';
import { hold } from './ended-one-offs.ts';
import type { Engine } from './engine.ts';
import type { PullWish } from './pull.ts';
import type { Reporting } from './reporting.ts';
import { up } from './up.ts';
import { orphanWishes } from './up-request.ts';

/** As many digits as Compose has. */
const SLUG_BYTES = 6;

export interface RunOptions extends Omit<OneOffOptions, 'slug'> {
  readonly load: LoadRequest;
  /** Process id of a client that reads its output to the end before it removes it. */
  readonly client?: number;
  /** Absent: each service's own policy. */
  readonly pull?: PullWish;
  /** Images are built anew: its own, and those of what it depends on. */
  readonly build?: boolean;
}

/**
 * Makes and starts one container of a service beside its replicas, after the service's dependencies: the plan is that of
 * an `up` of a stack with one service more. Gives the container when it runs; nobody waits for its end here.
 */
export async function runOneOff(engine: Engine, options: RunOptions, reporting: Reporting): Promise<ContainerView> {
  const { service, load } = options;
  const slug = randomBytes(SLUG_BYTES).toString('hex');
  const loaded = loadStack({ ...load, services: [service] });
  const oneOff = { ...options, ports: withDefaultHostIp(loaded, options), slug };
  const stack = withOneOff({ ...loaded.stack, volumes: volumesOf(loaded, options) }, oneOff);
  if (stack === undefined) throw new TsstackError('not-found', `There is no service "${service}" in the stack file`);
  const name = oneOffName({ service, slug });
  if (options.client !== undefined) hold(engine, { stack: stack.name, service: name, index: 1 }, options.client);
  const { ignoreOrphans } = orphanWishes(loaded, false);
  const upOptions = {
    load: { ...load, services: [name] },
    forceRecreate: false,
    noDeps: options.noDeps,
    ...(options.pull !== undefined && { pull: options.pull }),
    ...(options.build === true && { build: 'always' as const }),
  };
  await up(engine, { ...loaded, stack }, { ...upOptions, removeOrphans: false, ignoreOrphans, wait: false }, reporting);
  const [view] = listContainers(engine, stack.name, [name]);
  if (view === undefined) throw new TsstackError('not-found', `The container of "${service}" has been removed`);
  return view;
}

/** `-p` without an address means the same as `ports` without one. */
function withDefaultHostIp({ written, variable }: LoadResult, { ports }: RunOptions): RunOptions['ports'] {
  const hostIp = defaultHostIp(written['x-default-host-ip'] as Value | undefined, variable);
  return typeof hostIp === 'string' && hostIp !== '' ? ports.map((port) => ({ hostIp, ...port })) : ports;
}

/** A volume that only another service uses is there for `-v`, too. Throws `usage` for one that is declared nowhere. */
function volumesOf({ stack }: LoadResult, { mounts, load }: RunOptions): Readonly<Record<string, Volume>> {
  const named = mounts.flatMap((mount) => (mount.type === 'volume' ? (mount.source ?? []) : []));
  if (named.every((name) => Object.hasOwn(stack.volumes, name))) return stack.volumes;
  const all = loadStack({ ...load, services: [], profiles: ['*'] }).stack.volumes;
  for (const name of named) {
    if (Object.hasOwn(all, name)) continue;
    throw new TsstackError('usage', `There is no volume "${name}" that a service of the stack uses`, {
      hint: 'Name one of the stack file, or write a path: ./dir:/target',
    });
  }
  return { ...stack.volumes, ...Object.fromEntries(named.flatMap((name) => (all[name] ? [[name, all[name]]] : []))) };
}
