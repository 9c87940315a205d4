import { execute } from '../executor/execute.ts';
import { type ContainerKey, machineName, replicaName } from '../model/address.ts';
import { type ContainerSpec, foreignNetworkKey, type NetworkSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { ConnectionOptions } from '../model/network.ts';
import type { ObservedContainer, ObservedState } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import { shortId } from '../model/short-id.ts';
import type { Stack } from '../model/stack.ts';
import { observe } from '../observe/observe.ts';
import { planConnect, planDisconnect } from '../planner/connect.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { Engine } from './engine.ts';
import { wantedAttachment } from './network-options.ts';
import { refuse, requireNetwork } from './networks.ts';
import type { Reporting } from './reporting.ts';

/** A container as a user names it. */
export interface NamedContainer {
  /** Name of the container, its short id, `STACK.SERVICE.NUMBER`, or a service of the stack. */
  readonly container: string;
  /** Replica of the service; absent: the first. */
  readonly index?: number;
  /** The stack that a service is of, asked for only where it is needed; may throw. */
  readonly stack: () => string;
}

/** What the container is called, for who told the user. */
export interface Connected {
  readonly container: string;
}

/**
 * Joins a container to a network besides those of its stack file: at once while it runs, else at its next start. It
 * stays on it until it is disconnected or replaced. Throws `not-found`, `usage`, and `conflict` where an address is not
 * to be had or it is on that network already.
 */
export async function connect(
  engine: Engine,
  name: string,
  { options, ...named }: NamedContainer & { readonly options: ConnectionOptions },
  reporting: Reporting,
): Promise<Connected> {
  requireNetwork(engine, name);
  const { value: attachment, stack, warnings } = wantedAttachment(name, options);
  for (const message of warnings) reporting.progress({ type: 'warning', message });
  return reconnect(engine, named, reporting, async (record) => {
    const network = requireNetwork(engine, name);
    const { key, spec } = record;
    checkNamespace(spec, name);
    if (record.endpoints.some(({ networkName }) => networkName === name)) {
      throw new TsstackError('conflict', `${spec.name} is on network "${name}" already`, {
        hint: `To connect it otherwise, disconnect it first: tsstack network disconnect ${name} ${spec.name}`,
      });
    }
    const own = await observe(engine.observer, key.stack);
    const networkKey = keyFor(spec, network, own);
    const observed = own.networks[networkKey] === undefined ? await withNetwork(engine, stack, networkKey, key) : own;
    return planConnect(key.stack, observed, {
      container: containerIn(observed, key),
      key: networkKey,
      attachment,
    });
  });
}

/**
 * Takes a container off a network, be it one of its stack file: the next `up` joins that again. `force`: one that is not
 * on it is fine. Throws `not-found`.
 */
export function disconnect(
  engine: Engine,
  name: string,
  { force, ...named }: NamedContainer & { readonly force: boolean },
  reporting: Reporting,
): Promise<Connected> {
  return reconnect(engine, named, reporting, async (record) => {
    const { key, spec, endpoints } = record;
    const endpoint = endpoints.find(({ networkName }) => networkName === name);
    if (endpoint === undefined && force) return undefined;
    if (endpoint === undefined) {
      requireNetwork(engine, name);
      const names = endpoints.map(({ networkName }) => networkName);
      throw new TsstackError('not-found', `${spec.name} is not on network "${name}"`, {
        hint: names.length === 0 ? 'It is on none' : `It is on ${names.join(', ')}`,
      });
    }
    const observed = await observe(engine.observer, key.stack);
    return planDisconnect(key.stack, observed, { container: containerIn(observed, key), key: endpoint.network });
  });
}

/** Plans and carries out alone with the stack, so that no other plan chooses the same address meanwhile. */
async function reconnect(
  engine: Engine,
  named: NamedContainer,
  reporting: Reporting,
  planOf: (record: ContainerRecord) => Promise<Plan | undefined>,
): Promise<Connected> {
  const { stack } = findContainer(engine, named).key;
  return engine.stacks.run(stack, () =>
    engine.planning.run('plan', async () => {
      const record = findContainer(engine, named);
      const plan = await planOf(record);
      const result = { container: record.spec.name };
      if (plan === undefined) return result;
      reporting.progress({ type: 'plan', plan });
      refuse(plan.conflicts, [
        [/ipv4_address|ipv6_address|services\..*\.networks\./, 'Name another one with --ip or --ip6, or leave it out'],
        [/\.ipam/, 'Make a network with a larger --subnet'],
      ]);
      if (reporting.dryRun === true) return result;
      await execute(plan, engine.executor, { ...reporting, concurrency: engine.concurrency, onFailure: 'undo' });
      return result;
    }),
  );
}

/** The container of a name; machine-wide ones count before services of a stack. Throws `not-found`. */
function findContainer({ machine: { records } }: Engine, { container, index, stack }: NamedContainer): ContainerRecord {
  const replicas = records.containers.all().filter(({ role }) => role === undefined);
  const found =
    index === undefined
      ? replicas.find(
          ({ key, spec }) => spec.name === container || machineName(key) === container || shortId(key) === container,
        )
      : undefined;
  if (found !== undefined) return found;
  const name = stackOf(container, stack);
  const ofStack = replicas.filter(({ key }) => key.stack === name && key.service === container);
  const chosen = ofStack
    .toSorted((left, right) => left.key.index - right.key.index)
    .find(({ key }) => index === undefined || key.index === index);
  if (chosen !== undefined) return chosen;
  const replica = index === undefined ? '' : ` with number ${index}`;
  throw new TsstackError(
    'not-found',
    `There is no container "${container}", and stack "${name}" has none of a service of that name${replica}`,
    {
      hint: 'See their names: tsstack ps -a',
    },
  );
}

/** Without a stack file there are no services to speak of. */
function stackOf(container: string, stack: () => string): string {
  try {
    return stack();
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'no-stack-file') throw error;
    throw new TsstackError('not-found', `There is no container "${container}"`, {
      hint: 'Name it as "tsstack ps -a" does, or name the stack of a service with -p',
      cause: error,
    });
  }
}

function checkNamespace({ name, networkMode }: ContainerSpec, network: string): void {
  const why = {
    networks: undefined,
    host: 'it uses the network of the host',
    none: 'it is to have no network (network_mode: none)',
    service: 'it shares the network of another container',
    container: 'it shares the network of another container',
  }[networkMode.type];
  if (why === undefined) return;
  throw new TsstackError('conflict', `Cannot connect ${name} to network "${network}": ${why}`, {
    hint: 'Change network_mode in its stack file',
  });
}

/** The key that its stack has a network under, where it has one. */
function keyFor(spec: ContainerSpec, { name, key, stack }: NetworkSpec, { networks }: ObservedState): string {
  const own = Object.keys(spec.networks).find((each) => networks[each]?.spec.name === name);
  return own ?? (stack === spec.key.stack ? key : foreignNetworkKey(name));
}

/** Looks at a network of others as at an external one of the stack. */
function withNetwork(engine: Engine, { networks, ...rest }: Stack, as: string, { stack }: ContainerKey) {
  const [network] = Object.values(networks);
  const named = network === undefined ? {} : { [as]: { ...network, key: as } };
  return observe(engine.observer, stack, { ...rest, services: {}, networks: named });
}

function containerIn({ containers }: ObservedState, key: ContainerKey): ObservedContainer {
  const container = containers[replicaName(key)];
  if (container !== undefined) return container;
  throw new TsstackError('not-found', `There is no container "${machineName(key)}" any more`);
}
