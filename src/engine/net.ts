import { changeLive, performCuts, recordCuts } from '../executor/cuts.ts';
import { sandboxOptions } from '../executor/sandbox.ts';
import { nearest } from '../lib/nearest.ts';
import { containerAddress, machineName } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import { type Cut, type LiveNetwork, type NetStatus, withLive } from '../model/live.ts';
import { DIRECTIONS, type LinkShape } from '../model/shape.ts';
import { reshapeEndpoints, shapeEndpoints } from '../network/shaped-links.ts';
import { parseLinkShape } from '../spec/link-shape.ts';
import type { Value } from '../spec/node.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { Engine } from './engine.ts';

/** What is changed by hand: services or containers by name, on one network or, where none is named, on all. */
export interface NetTarget {
  readonly names: readonly string[];
  readonly network?: string;
}

export interface ShapeRequest extends NetTarget {
  /** In the words of `x-shape`, which are all of it; absent: not shaped. */
  readonly shape?: Readonly<Record<string, string>>;
  /** Absent: both. */
  readonly direction?: (typeof DIRECTIONS)[number];
}

/** Shapes links of running and stopped containers at once, instead of what the file says; gives the containers' names. */
export function shapeByHand(engine: Engine, stack: string, request: ShapeRequest): Promise<readonly string[]> {
  const wanted = request.shape === undefined ? {} : parsedShape(request.shape);
  return engine.stacks.run(stack, async () => {
    const records = chosen(engine, stack, request);
    for (const record of records) {
      const { live, endpoints } = record;
      const shapes = withLive(endpoints, live).flatMap(({ network, shape }) =>
        request.network === undefined || request.network === network
          ? [[network, inDirection(shape ?? {}, wanted, request.direction)] as const]
          : [],
      );
      const after = { ...live, shapes: { ...live?.shapes, ...Object.fromEntries(shapes) } };
      await reshape(engine, record, after);
    }
    return records.map(({ spec }) => spec.name);
  });
}

/** What the words of a command mean. Throws `usage` with the first that is wrong. */
function parsedShape(words: Readonly<Record<string, string>>): LinkShape {
  const value: Record<string, Value> = { ...words };
  const { shape, problems } = parseLinkShape(value);
  const [problem] = problems;
  if (problem === undefined) return shape;
  throw new TsstackError('usage', problem.message.replace('x-shape: ', ''), { hint: problem.hint });
}

function inDirection(
  present: LinkShape,
  wanted: LinkShape,
  direction: (typeof DIRECTIONS)[number] | undefined,
): LinkShape {
  return Object.fromEntries(
    DIRECTIONS.flatMap((each) => {
      const shape = (direction === undefined || direction === each ? wanted : present)[each];
      return shape === undefined ? [] : [[each, shape]];
    }),
  );
}

/** Recorded first: after a crash in between, the next plan sees the drift. What cannot be done is taken back. */
async function reshape(
  engine: Engine,
  { key, spec, endpoints, live }: ContainerRecord,
  after: LiveNetwork,
): Promise<void> {
  const { host, records, emit } = engine.machine;
  const options = sandboxOptions(host, spec);
  const [old, wanted] = [withLive(endpoints, live), withLive(endpoints, after)];
  changeLive(records, key, after);
  try {
    await host.perform(reshapeEndpoints(key, old, wanted, options));
  } catch (error) {
    changeLive(records, key, live ?? {});
    await host.perform([...reshapeEndpoints(key, wanted, old), ...shapeEndpoints(key, old)]).catch(() => undefined);
    throw error;
  }
  emit({ stack: key.stack, address: containerAddress(key.service, key.index), event: 'update', detail: 'shape' });
}

/**
 * Cuts all containers of the first name off from those of the second, or without one from everything; gives the names
 * of all of them. What was on its way is lost, too.
 */
export function cut(engine: Engine, stack: string, { names, network }: NetTarget): Promise<readonly string[]> {
  const on = network === undefined ? {} : { network };
  return engine.stacks.run(stack, async () => {
    const [left = [], right] = sides(engine, stack, { names, ...on });
    if (right === undefined) for (const { key } of left) addCut(engine, key, on);
    for (const one of left) {
      for (const other of right ?? []) {
        if (machineName(one.key) === machineName(other.key)) continue;
        addCut(engine, one.key, { from: machineName(other.key), ...on });
        addCut(engine, other.key, { from: machineName(one.key), ...on });
      }
    }
    const all = [...left, ...(right ?? [])];
    await applyCuts(engine, all, 'cut');
    return unique(all);
  });
}

/**
 * Undoes what was changed by hand: of the whole stack, of one name, or the cuts between two; gives the names of the
 * containers that were changed.
 */
export function heal(engine: Engine, stack: string, names: readonly string[]): Promise<readonly string[]> {
  const { records } = engine.machine;
  return engine.stacks.run(stack, async () => {
    const [left = [], right] = names.length === 0 ? [records.containersOf(stack)] : sides(engine, stack, { names });
    const named = (list: readonly ContainerRecord[]) => new Set(list.map(({ key }) => machineName(key)));
    const [one, other] = [named(left), right && named(right)];
    const healed: ContainerRecord[] = [];
    for (const record of records.containersOf(stack)) {
      const { key, live } = record;
      if (live === undefined) continue;
      const name = machineName(key);
      const others = one.has(name) ? other : other?.has(name) ? one : undefined;
      const mine = other === undefined && one.has(name);
      const cuts = (live.cuts ?? []).filter(({ from }) =>
        other === undefined ? !(mine || one.has(from ?? '')) : !others?.has(from ?? ''),
      );
      if (mine && live.shapes !== undefined) await reshape(engine, record, { cuts: live.cuts ?? [] });
      if (cuts.length < (live.cuts?.length ?? 0)) recordCuts(records, key, cuts);
      else if (!mine || live.shapes === undefined) continue;
      healed.push(record);
    }
    if (healed.some(({ live }) => live?.cuts !== undefined)) await applyCuts(engine, healed, 'heal');
    return unique(healed);
  });
}

async function applyCuts(engine: Engine, changed: readonly ContainerRecord[], detail: string): Promise<void> {
  const { host, records, emit } = engine.machine;
  await performCuts(host, records);
  for (const { key } of changed) {
    emit({ stack: key.stack, address: containerAddress(key.service, key.index), event: 'update', detail });
  }
}

function addCut(engine: Engine, key: ContainerRecord['key'], added: Cut): void {
  const { records } = engine.machine;
  const present = records.container(key)?.live?.cuts ?? [];
  const others = present.filter(({ from, network }) => from !== added.from || network !== added.network);
  recordCuts(records, key, [...others, added]);
}

/** How each container's networks are now. */
export function netStatus(engine: Engine, stack: string, names: readonly string[]): readonly NetStatus[] {
  const { records } = engine.machine;
  const found = names.length === 0 ? records.containersOf(stack) : chosen(engine, stack, { names });
  return found
    .filter(({ endpoints }) => endpoints.length > 0)
    .map(({ key, spec, endpoints, live }) => ({
      stack,
      service: key.service,
      index: key.index,
      name: spec.name,
      links: withLive(endpoints, live).map(({ network, shape }) => ({
        network,
        ...(shape !== undefined && { shape }),
        byHand: live?.shapes?.[network] !== undefined,
      })),
      cuts: (live?.cuts ?? []).map(({ from, network }) => ({
        from: from === undefined ? '*' : (records.containers.get(from)?.spec.name ?? from),
        ...(network !== undefined && { network }),
      })),
    }))
    .toSorted((left, right) => left.name.localeCompare(right.name));
}

function sides(engine: Engine, stack: string, { names, network }: NetTarget): readonly (readonly ContainerRecord[])[] {
  if (names.length === 0 || names.length > 2) {
    throw new TsstackError('usage', `One or two services or containers are needed, got ${names.length}`);
  }
  const on = network === undefined ? {} : { network };
  return names.map((name) => chosen(engine, stack, { names: [name], ...on }));
}

/** Containers of these services, or of these names. Throws `not-found`, `usage` where there is nothing to change. */
function chosen(engine: Engine, stack: string, { names, network }: NetTarget): readonly ContainerRecord[] {
  const all = engine.machine.records.containersOf(stack);
  const found = names.flatMap((name) => {
    const named = all.filter(({ key, spec }) => key.service === name || spec.name === name);
    if (named.length > 0) return named;
    const near = nearest(
      name,
      all.flatMap(({ key, spec }) => [key.service, spec.name]),
    );
    throw new TsstackError('not-found', `Stack "${stack}" has no service and no container "${name}"`, {
      hint: near === undefined ? 'Run "tsstack up" first' : `Did you mean "${near}"?`,
    });
  });
  const usable = found.filter(({ endpoints }) =>
    endpoints.some((endpoint) => network === undefined || endpoint.network === network),
  );
  if (usable.length > 0) return usable;
  const where = network === undefined ? 'an interface of its own' : `an interface on network "${network}"`;
  throw new TsstackError('not-found', `No container of ${names.join(', ')} has ${where}`, {
    hint: 'See them: tsstack net',
  });
}

function unique(records: readonly ContainerRecord[]): readonly string[] {
  return [...new Set(records.map(({ spec }) => spec.name))].sort();
}
