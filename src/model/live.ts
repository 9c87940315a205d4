import type { Endpoint } from './container.ts';
import type { LinkShape } from './shape.ts';

/** What was changed by hand on a container's networks. It holds as long as the container is there. */
export interface LiveNetwork {
  /** By network: instead of what the file says; without a direction: not shaped. */
  readonly shapes?: Readonly<Record<string, LinkShape>>;
  /** Whom it is cut off from; absent: nobody. Empty: nobody, but the kernel may not know yet. */
  readonly cuts?: readonly Cut[];
}

/** Nothing passes in either direction. */
export interface Cut {
  /** The other container, by its machine name, which has the same of this one; absent: all that there is. */
  readonly from?: string;
  /** By its key; absent: on every network. */
  readonly network?: string;
}

/** The endpoints as they are to be in the kernel. */
export function withLive(endpoints: readonly Endpoint[], live: LiveNetwork | undefined): readonly Endpoint[] {
  return endpoints.map((endpoint) => {
    const byHand = live?.shapes?.[endpoint.network];
    if (byHand === undefined) return endpoint;
    const { shape: _, ...rest } = endpoint;
    return byHand.outbound === undefined && byHand.inbound === undefined ? rest : { ...rest, shape: byHand };
  });
}

/** How the networks of a container are. */
export interface NetStatus {
  readonly stack: string;
  readonly service: string;
  readonly index: number;
  readonly name: string;
  readonly links: readonly {
    readonly network: string;
    /** As it is now; absent: not shaped. */
    readonly shape?: LinkShape;
    /** It is not as the file says. */
    readonly byHand: boolean;
  }[];
  /** Names of containers that it is cut off from; `*`: everything. With the network, where it is on one only. */
  readonly cuts: readonly { readonly from: string; readonly network?: string }[];
}
