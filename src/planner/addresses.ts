import type { ContainerSpec, Endpoint, NetworkSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { ObservedContainer } from '../model/observed.ts';
import { type AddressPool, createAddressPool, isInside, isUsable } from '../network/ipam.ts';
import { addressOf, attachmentsOf, type Draft, observedKey } from './draft.ts';
import type { Findings } from './findings.ts';

/** `10.1.2.3/24` by network key and container: what `assignAddresses` decided. */
export type Addresses = ReadonlyMap<string, string>;

type Family = 'ipv4' | 'ipv6';

/** Holder of gateways and auxiliary addresses. */
const NETWORK = 'the network itself';
const OTHER_STACK = 'a container of another stack';

/** One subnet and who has which address of it. */
interface Pool {
  readonly id: string;
  readonly network: NetworkSpec;
  readonly family: Family;
  readonly subnet: string;
  readonly range: string | undefined;
  readonly gateway: string | undefined;
  /** Names of containers by address, as they will be. */
  readonly holders: Map<string, string>;
}

/** Containers that are there and aren't planned. */
interface OtherContainers {
  /** They stay as they are. */
  readonly bystanders: readonly ObservedContainer[];
  /** They go away. */
  readonly leaving: readonly ObservedContainer[];
  /** Addresses of other stacks' containers, by the network's real name. */
  readonly foreign: Readonly<Record<string, readonly string[]>>;
}

/**
 * Decides every address of every container. Static addresses come first, then those that a container has already, then
 * free ones; nobody gets one by chance that another container has at present.
 */
export function assignAddresses(
  drafts: readonly Draft[],
  networks: Iterable<NetworkSpec>,
  others: OtherContainers,
  findings: Findings,
): Addresses {
  const pools = openPools(networks, others.foreign);
  const given = new Map<string, string>();
  const give = (pool: Pool, spec: ContainerSpec, address: string): void => {
    pool.holders.set(address, spec.name);
    given.set(addressKey(pool.network.key, pool.family, spec), `${address}/${pool.subnet.split('/')[1]}`);
  };
  for (const container of others.bystanders) claimPresent(pools, container);
  const wishes = drafts.flatMap((draft) => wishesOf(draft, pools));
  for (const { draft, pool, fixed } of wishes) {
    if (fixed === undefined) continue;
    checkStatic(pool, draft.spec, fixed, findings);
    give(pool, draft.spec, fixed);
  }
  for (const { draft, pool, fixed, present } of wishes) {
    // Beside the old container the new one needs an address of its own.
    if (fixed !== undefined || present === undefined || draft.startFirst || pool.holders.has(present)) continue;
    if (isInside(present, pool.subnet)) give(pool, draft.spec, present);
  }
  const taken = new Map([...pools.values()].map((pool) => [pool.id, new Set(pool.holders.keys())]));
  for (const container of [...drafts.flatMap(({ observed }) => observed ?? []), ...others.leaving]) {
    for (const [pool, address] of presentAddresses(pools, container)) taken.get(pool.id)?.add(address);
  }
  const free = new Map<string, AddressPool>();
  for (const { draft, pool } of wishes) {
    if (given.has(addressKey(pool.network.key, pool.family, draft.spec))) continue;
    const { subnet, range, gateway } = pool;
    const addresses = free.get(pool.id) ?? createAddressPool(subnet, taken.get(pool.id) ?? [], { range, gateway });
    free.set(pool.id, addresses);
    const address = freeAddress(pool, addresses, draft.spec, findings);
    if (address !== undefined) give(pool, draft.spec, address);
  }
  return given;
}

/** Key of `Addresses`. */
export function addressKey(network: string, family: Family, spec: ContainerSpec): string {
  return `${network} ${family} ${observedKey(spec)}`;
}

function openPools(networks: Iterable<NetworkSpec>, foreign: OtherContainers['foreign']): ReadonlyMap<string, Pool> {
  const pools = new Map<string, Pool>();
  for (const network of networks) {
    const { reserved4, reserved6 = [], gateway4, gateway6 } = network;
    const reserved = [...reserved4, ...reserved6, gateway4, gateway6].flatMap((address) => address ?? []);
    const families = [
      { family: 'ipv4', subnet: network.subnet4, range: network.ipRange4, gateway: network.gateway4 },
      { family: 'ipv6', subnet: network.subnet6, range: network.ipRange6, gateway: network.gateway6 },
    ] as const;
    for (const { subnet, ...part } of families) {
      if (subnet === undefined) continue;
      const id = `${network.key} ${part.family}`;
      const holders = new Map(reserved.map((each) => [each, NETWORK]));
      for (const address of foreign[network.name] ?? []) holders.set(address, OTHER_STACK);
      pools.set(id, { id, network, subnet, ...part, holders });
    }
  }
  return pools;
}

function claimPresent(pools: ReadonlyMap<string, Pool>, container: ObservedContainer): void {
  for (const [pool, address] of presentAddresses(pools, container)) pool.holders.set(address, container.spec.name);
}

/** Addresses that a container has, with their pools; by hand it may be on a network that the file has another key for. */
function presentAddresses(
  pools: ReadonlyMap<string, Pool>,
  { endpoints }: ObservedContainer,
): readonly (readonly [Pool, string])[] {
  return [...pools.values()].flatMap((pool) =>
    endpoints.filter(isOn(pool)).flatMap((endpoint) => {
      const [plain] = endpoint[pool.family]?.split('/') ?? [];
      return plain === undefined ? [] : [[pool, plain] as const];
    }),
  );
}

function isOn({ network: { key, name } }: Pool): (endpoint: Endpoint) => boolean {
  return ({ network, networkName }) => network === key || networkName === name;
}

interface Wish {
  readonly draft: Draft;
  readonly pool: Pool;
  /** Asked for in the stack file. */
  readonly fixed: string | undefined;
  /** What it has now. */
  readonly present: string | undefined;
}

function wishesOf(draft: Draft, pools: ReadonlyMap<string, Pool>): readonly Wish[] {
  const wishes: Wish[] = [];
  for (const [network, attachment] of Object.entries(attachmentsOf(draft))) {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const pool = pools.get(`${network} ${family}`);
      if (pool === undefined) continue;
      const fixed = family === 'ipv4' ? attachment.ipv4Address : attachment.ipv6Address;
      const present = draft.observed?.endpoints.find(isOn(pool))?.[family]?.split('/')[0];
      wishes.push({ draft, pool, fixed, present });
    }
  }
  return wishes;
}

function checkStatic(pool: Pool, spec: ContainerSpec, address: string, findings: Findings): void {
  const { name } = pool.network;
  const holder = pool.holders.get(address);
  const problem = !isInside(address, pool.subnet)
    ? `network "${name}" has subnet ${pool.subnet}`
    : !isUsable(address, pool.subnet)
      ? `it stands for the whole subnet ${pool.subnet}, or for all its members`
      : holder && `${holder === NETWORK ? holder : `"${holder}"`} has it on network "${name}"`;
  if (problem === undefined) return;
  findings.conflicts.push({
    address: addressOf(spec),
    message: `Cannot give ${address} to ${addressOf(spec)}: ${problem}`,
    hint: `Set another address in services.${spec.key.service}.networks.${pool.network.key}.`,
  });
}

function freeAddress(pool: Pool, addresses: AddressPool, spec: ContainerSpec, findings: Findings): string | undefined {
  try {
    return addresses.take();
  } catch (error) {
    if (!(error instanceof TsstackError)) throw error;
    findings.conflicts.push({
      address: addressOf(spec),
      message: `Cannot connect ${addressOf(spec)} to network "${pool.network.name}": ${error.message}`,
      hint: `Set a larger subnet in networks.${pool.network.key}.ipam.`,
    });
    return undefined;
  }
}
