import type { ConnectionOptions, NetworkOptions, NetworkSummary } from '../model/network.ts';
import type { StackSelector } from './api.ts';

/** `GET /v1/networks` → `NetworkSummary[]`. */
export type { NetworkSummary, NetworkUser } from '../model/network.ts';

/** `GET /v1/networks/{name}` → `NetworkDetail`. */
export interface NetworkDetail extends NetworkSummary {
  /** In what the kernel differs from it; empty: in nothing. */
  readonly drift: readonly string[];
}

/** `POST /v1/networks/create` → `MadeNetwork`. */
export interface CreateNetworkRequest extends NetworkOptions {
  /** Only say what it would be. */
  readonly dryRun?: boolean;
}

export interface MadeNetwork extends NetworkSummary {
  /** What was asked for and has no effect. */
  readonly warnings: readonly string[];
}

/** `POST /v1/networks/remove` → `Nothing`. Refused while a container is on it, be it stopped. */
export interface RemoveNetworkRequest {
  readonly name: string;
  /** Only say whether it can be. */
  readonly dryRun?: boolean;
}

/** The container that is connected or disconnected. */
interface ContainerChoice {
  readonly network: string;
  readonly requestId: string;
  /** Name of the container, its short id, `STACK.SERVICE.NUMBER`, or a service of the selected stack. */
  readonly container: string;
  /** Asked only for a service. */
  readonly selector: StackSelector;
  /** Replica of the service; absent: the first. */
  readonly index?: number;
  readonly dryRun?: boolean;
}

/** `POST /v1/networks/connect` → stream; result `Connected`. */
export interface ConnectRequest extends ContainerChoice, ConnectionOptions {}

/** `POST /v1/networks/disconnect` → stream; result `Connected`. */
export interface DisconnectRequest extends ContainerChoice {
  /** A container that is not on it is fine. */
  readonly force: boolean;
}

/** What was connected or disconnected. @public */
export interface Connected {
  /** Name of the container. */
  readonly container: string;
}
