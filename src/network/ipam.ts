/**
 * The first free subnet of the default pools that holds `hosts` containers and overlaps none of `taken` (CIDRs: every
 * route of the machine, every network of ours). Throws `address-pool-exhausted`.
 */
export function allocateSubnet(_taken: readonly string[], _hosts: number): string {
  throw new Error('not written yet');
}

export function subnetsOverlap(_left: string, _right: string): boolean {
  throw new Error('not written yet');
}

/** First host address, as Docker takes it: `10.1.2.1` of `10.1.2.0/24`. */
export function defaultGateway(_subnet: string): string {
  throw new Error('not written yet');
}

/**
 * A free address of a subnet (inside `range` if given), never the network's, broadcast's, gateway's or a taken one.
 * `preferred` is taken if it is free: a replica keeps its address. Throws `address-pool-exhausted`.
 */
export function allocateAddress(
  _subnet: string,
  _taken: ReadonlySet<string>,
  _options?: { readonly preferred?: string | undefined; readonly range?: string | undefined },
): string {
  throw new Error('not written yet');
}

export function isInside(_address: string, _subnet: string): boolean {
  throw new Error('not written yet');
}

/** Bridge of a network, at most 15 characters: `ts-backen-x3f9a`. The same names give the same bridge. */
export function bridgeName(_stack: string, _networkKey: string): string {
  throw new Error('not written yet');
}

/** Host's end of a veth pair, at most 15 characters, of a container (`machineName()`) on a network (by key). */
export function hostInterfaceName(_machineName: string, _networkKey: string): string {
  throw new Error('not written yet');
}
