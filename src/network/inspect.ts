import type { Host } from '../host/host.ts';
import type { Endpoint, NetworkSpec, PublishedPort } from '../model/container.ts';
import type { Drift, Listener, Route } from '../model/observed.ts';
import type { HostSettings } from './bridge.ts';

/** One look at the kernel's network state, enough for all questions below. */
export interface NetworkState {
  /** Interfaces of the host by name. */
  readonly links: ReadonlyMap<
    string,
    { readonly up: boolean; readonly master?: string; readonly addresses: readonly string[] }
  >;
  readonly routes: readonly Route[];
  readonly netns: ReadonlySet<string>;
  /** `tcp 127.0.0.1 8080` → `10.1.2.3 80`; hostIp `*` for all addresses. */
  readonly publishedPorts: ReadonlyMap<string, string>;
  /** Bridges that our nft table knows. */
  readonly bridges: ReadonlySet<string>;
}

/** Reads links, addresses, routes, namespaces and our nft table: three processes at most, run at once. */
export async function inspectNetwork(_host: Host): Promise<NetworkState> {
  throw new Error('not written yet');
}

/** Sockets of the host that listen, with their owners (`ss`). */
export async function listListeners(_host: Host): Promise<readonly Listener[]> {
  throw new Error('not written yet');
}

export function readHostSettings(_host: Host): HostSettings {
  throw new Error('not written yet');
}

export function networkDrift(_state: NetworkState, _network: NetworkSpec): readonly Drift[] {
  throw new Error('not written yet');
}

export function endpointDrift(
  _state: NetworkState,
  _netns: string,
  _endpoints: readonly Endpoint[],
  _ports: readonly PublishedPort[],
): readonly Drift[] {
  throw new Error('not written yet');
}

/** Reads back the JSON of `readHostSettings()`; undefined when it is missing or not that. */
export function parseHostSettings(_json: string | undefined): HostSettings | undefined {
  throw new Error('not written yet');
}
