import { type ExecuteOptions, execute } from '../executor/execute.ts';
import { machineName, netnsName } from '../model/address.ts';
import type { Endpoint, NetworkSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { NetworkOptions, NetworkSubnet, NetworkSummary, NetworkUser } from '../model/network.ts';
import type { Conflict, Plan } from '../model/plan.ts';
import { withoutPrefix } from '../network/cidr.ts';
import { driftOf } from '../network/driver.ts';
import { inspectNetwork } from '../network/inspect.ts';
import { macFor } from '../network/mac.ts';
import { observeContainer } from '../observe/container.ts';
import { observe } from '../observe/observe.ts';
import { planMakeNetwork, planRemoveNetwork } from '../planner/one-network.ts';
import { networkFile } from '../store/description.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { Engine } from './engine.ts';
import { wantedNetwork } from './network-options.ts';
import { sweep } from './sweep.ts';

/** Networks sorted by name. */
export function listNetworks(engine: Engine): readonly NetworkSummary[] {
  const containers = engine.machine.records.containers.all();
  return engine.machine.records.networks.all().map((network) => summaryOf(engine, network, containers));
}

/** One network, and in what the kernel differs from it. Throws `not-found`. */
export async function showNetwork(
  engine: Engine,
  name: string,
): Promise<NetworkSummary & { readonly drift: readonly string[] }> {
  const network = requireNetwork(engine, name);
  const state = await inspectNetwork(engine.machine.host);
  const drift = driftOf(state, network).map(({ message }) => message);
  return { ...summaryOf(engine, network, engine.machine.records.containers.all()), drift };
}

/**
 * Makes a network of no stack, which stacks use as an external one. Throws `usage`, and `conflict` where there is one of
 * this name, or where its addresses are taken.
 */
export async function makeNetwork(
  engine: Engine,
  options: NetworkOptions,
  dryRun: boolean,
): Promise<NetworkSummary & { readonly warnings: readonly string[] }> {
  checkNetworkName(options.name);
  const { value, stack, warnings } = wantedNetwork(options);
  const spec = await engine.stacks.run('', () =>
    engine.planning.run('plan', async () => {
      if (engine.machine.records.networks.get(value.name) !== undefined) {
        throw new TsstackError('conflict', `There is a network "${value.name}" already`, {
          hint: `Look at it with "tsstack network inspect ${value.name}", or choose another name`,
        });
      }
      const observed = await observe(engine.observer, '');
      const { network, plan } = planMakeNetwork(stack, observed, value);
      refuse(plan.conflicts, HINTS);
      if (network === undefined) {
        throw new TsstackError('usage', `A network of driver "${value.driver}" is not made: the machine has it`, {
          hint: `Write "network_mode: ${value.driver}" in the stack file`,
        });
      }
      if (!dryRun) await carryOut(engine, plan);
      return network;
    }),
  );
  return { ...summaryOf(engine, spec, []), warnings };
}

/** What options are called in a stack file stands in the planner's hints. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/\.ipam/, 'Name another one with --subnet, or leave it out to have a free one chosen'],
  [/\.driver /, 'Name another one with --driver, or leave it out'],
];

/** Throws one error that says everything that stands in the way. */
export function refuse(conflicts: readonly Conflict[], hints: readonly (readonly [RegExp, string])[]): void {
  const [first] = conflicts;
  if (first === undefined) return;
  const hint = hints.find(([pattern]) => pattern.test(first.hint ?? ''))?.[1] ?? first.hint;
  throw new TsstackError('conflict', conflicts.map(({ message }) => message).join('; '), { hint });
}

/**
 * Removes a network, whoever made it; a stack whose file has it makes it again. Throws `not-found`, and `conflict`, naming
 * the containers, while one is on it, be it stopped.
 */
export async function deleteNetwork(engine: Engine, name: string, dryRun: boolean): Promise<void> {
  const { stack } = requireNetwork(engine, name);
  // Neither a change to its stack nor a plan of another one sees it half gone.
  await engine.stacks.run(stack, () =>
    engine.planning.run('plan', async () => {
      const network = requireNetwork(engine, name);
      const { users } = summaryOf(engine, network, engine.machine.records.containers.all());
      if (users.length > 0) throw inUse(network, users);
      const coming = [...engine.reserved].find(([, { endpoints }]) =>
        endpoints.some(({ networkName }) => networkName === name),
      );
      if (coming !== undefined) {
        throw new TsstackError('conflict', `Network "${name}" is about to be used by stack "${coming[0]}"`, {
          hint: 'Try again when that stack is up, and has been taken down',
        });
      }
      if (dryRun) return;
      await carryOut(engine, planRemoveNetwork(network));
      const { records } = engine.machine;
      if (stack === '' || records.networksOf(stack).length > 0 || records.containersOf(stack).length > 0) return;
      // It was the last that there was of the stack.
      await sweep(engine.executor, stack);
      records.stacks.delete(stack);
    }),
  );
}

function inUse({ name, stack }: NetworkSpec, users: readonly NetworkUser[]): TsstackError {
  const names = users.map((user) => machineName(user)).join(', ');
  const strangers = users.filter((user) => user.stack !== stack || user.byHand);
  const disconnect = `tsstack network disconnect ${name} ${strangers[0]?.name ?? ''}`;
  const down = [...new Set(users.map((user) => `tsstack -p ${user.stack} down`))].join('; ');
  return new TsstackError('conflict', `Network "${name}" is in use by ${names}`, {
    hint: `Take the containers down first: ${down}${strangers.length === 0 ? '' : `; or disconnect them: ${disconnect}`}`,
  });
}

async function carryOut(engine: Engine, plan: Plan): Promise<void> {
  const options: ExecuteOptions = {
    signal: new AbortController().signal,
    progress: () => undefined,
    concurrency: engine.concurrency,
    onFailure: 'undo',
  };
  await execute(plan, engine.executor, options);
}

/** Throws `not-found`. */
export function requireNetwork(engine: Engine, name: string): NetworkSpec {
  const network = engine.machine.records.networks.get(name);
  if (network !== undefined) return network;
  throw new TsstackError('not-found', `There is no network "${name}"`, {
    hint: 'See those there are: tsstack network ls',
  });
}

/** The name becomes a file's, and a word of commands. */
function checkNetworkName(name: string): void {
  if (['host', 'none', 'bridge'].includes(name)) {
    throw new TsstackError('usage', `"${name}" is the name of a network that Docker has on every machine`, {
      hint: 'Choose another name',
    });
  }
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}$/.test(name)) return;
  throw new TsstackError(
    'usage',
    `"${name}" is no name of a network: it holds letters, digits, "_", "." and "-", begins with a letter or digit, and has at most 200 of them`,
  );
}

function summaryOf(engine: Engine, network: NetworkSpec, containers: readonly ContainerRecord[]): NetworkSummary {
  const { host, paths } = engine.machine;
  const { name, stack, key, driver, driverOptions, labels, internal, bridge, subnet4, subnet6, reserved4 } = network;
  const createdAtMs = host.stat(networkFile(paths, network).path)?.modifiedMs;
  return {
    ...{ name, stack, key, driver, driverOptions, labels, internal },
    ipv4: subnet4 !== undefined,
    ipv6: subnet6 !== undefined,
    ...(bridge !== undefined && { bridge }),
    subnets: subnetsOf(network),
    reserved: reserved4,
    ...(createdAtMs !== undefined && { createdAtMs: Math.round(createdAtMs) }),
    users: containers.flatMap((record) =>
      record.endpoints
        .filter(({ networkName }) => networkName === name)
        .map((endpoint) => userOf(engine, record, endpoint)),
    ),
  };
}

function subnetsOf({ subnet4, gateway4, ipRange4, subnet6, gateway6 }: NetworkSpec): readonly NetworkSubnet[] {
  const families = [
    { subnet: subnet4, gateway: gateway4, ipRange: ipRange4 },
    { subnet: subnet6, gateway: gateway6, ipRange: undefined },
  ];
  return families.flatMap(({ subnet, gateway, ipRange }) =>
    subnet === undefined
      ? []
      : { subnet, ...(gateway !== undefined && { gateway }), ...(ipRange !== undefined && { ipRange }) },
  );
}

function userOf(engine: Engine, record: ContainerRecord, endpoint: Endpoint): NetworkUser {
  const { key, spec } = record;
  const { hostInterface, containerInterface, ipv4, ipv6, names, byHand } = endpoint;
  const { status } = observeContainer(engine.observer, record);
  const macAddress = endpoint.macAddress ?? (ipv4 === undefined ? undefined : macFor(withoutPrefix(ipv4)));
  return {
    stack: key.stack,
    service: key.service,
    index: key.index,
    name: spec.name,
    running: status === 'running' || status === 'paused',
    sandbox: netnsName(key),
    ...(hostInterface !== undefined && { hostInterface }),
    containerInterface,
    ...(ipv4 !== undefined && { ipv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
    ...(macAddress !== undefined && { macAddress }),
    names,
    byHand: byHand !== undefined,
  };
}
