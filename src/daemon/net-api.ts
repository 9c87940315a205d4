import type { StackSelector } from './api.ts';

/** What the API says about networks that are changed by hand; the rest of it: api.ts. */

/** `POST /v1/net` → `NetStatus[]`: how the networks of containers are now. */
export type { NetStatus } from '../model/live.ts';

export interface NetStatusRequest {
  readonly selector: StackSelector;
  /** Of services and containers; empty: all. */
  readonly names: readonly string[];
}

/** `POST /v1/net/shape` → `Affected`: at once, as long as the container is there. */
export interface NetShapeRequest {
  readonly selector: StackSelector;
  /** Of services and containers; at least one. */
  readonly names: readonly string[];
  /** By its key; absent: all networks. */
  readonly network?: string;
  /** Seen from the container; absent: both. */
  readonly direction?: 'outbound' | 'inbound';
  /** In the words of `x-shape` (`{"delay": "80ms"}`): all that is done, what is not named is not; absent: nothing. */
  readonly shape?: Readonly<Record<string, string>>;
}

/** `POST /v1/net/cut` → `Affected`: no packet between the containers of two names, or between those of one and anything. */
export interface NetCutRequest {
  readonly selector: StackSelector;
  /** One or two. */
  readonly names: readonly string[];
  /** By its key; absent: all networks. */
  readonly network?: string;
}

/** `POST /v1/net/heal` → `Affected`: what the file says holds again. */
export interface NetHealRequest {
  readonly selector: StackSelector;
  /** None: all of the stack; one: all of that; two: the cuts between them. */
  readonly names: readonly string[];
}
