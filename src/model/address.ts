/**
 * Names of things. An address is how people and plans speak of a resource, as in Terraform:
 * `service.web[1]`, `network.backend`, `volume.data`, `image.oci:./app`.
 */

declare const brand: unique symbol;
export type Address = string & { readonly [brand]: 'Address' };

export function containerAddress(service: string, index: number): Address {
  return `service.${service}[${index}]` as Address;
}

/** A service as a whole: `service.web`. */
export function serviceAddress(service: string): Address {
  return `service.${service}` as Address;
}

export function networkAddress(network: string): Address {
  return `network.${network}` as Address;
}

export function volumeAddress(volume: string): Address {
  return `volume.${volume}` as Address;
}

export function imageAddress(reference: string): Address {
  return `image.${reference}` as Address;
}

/** One replica of one service of one stack: everything that names a container's kernel objects. */
export interface ContainerKey {
  /** Stack (project) name: `^[a-z0-9][a-z0-9_-]*$`, so it never holds a dot. */
  readonly stack: string;
  readonly service: string;
  /** Replica number, from 1. */
  readonly index: number;
  /**
   * A replica whose new container starts before the old one stops has two for a while: they differ in this, and so in
   * the names of all their kernel objects. It alternates.
   */
  readonly slot?: 'b';
}

/** `web.1`, `web.1b`: unique inside a stack, since the index follows the last dot. Used as directory and cgroup name. */
export function replicaName(key: Pick<ContainerKey, 'service' | 'index' | 'slot'>): string {
  return `${key.service}.${key.index}${key.slot ?? ''}`;
}

/** `demo.web.1`: unique on the machine, since a stack's name holds no dot. */
export function machineName(key: ContainerKey): string {
  return `${key.stack}.${replicaName(key)}`;
}

/** Name of the container's network namespace under /run/netns: `ts-demo.web.1`. */
export function netnsName(key: ContainerKey): string {
  return `ts-${machineName(key)}`;
}

/** Reads what `machineName()` wrote; undefined for a name that is not of that form. */
export function parseMachineName(text: string): ContainerKey | undefined {
  const match = /^([a-z0-9][a-z0-9_-]*)\.([A-Za-z0-9._-]+)\.([1-9][0-9]*)(b?)$/.exec(text);
  if (match === null) return undefined;
  const [, stack = '', service = '', index = '', slot] = match;
  return { stack, service, index: Number(index), ...(slot === 'b' && { slot }) };
}

/** What an interface of a network says of whose it is (`ip link`, ifalias); a bridge may have any name. */
export function networkAlias({ stack, key }: { readonly stack: string; readonly key: string }): string {
  return `tsstack ${stack} ${networkAddress(key)}`;
}
