import type { FailedSocket, ServedRelay } from '../../model/served.ts';
import { LOCAL, type Openers } from './openers.ts';
import type { Relay } from './relay.ts';
import { TcpRelay } from './tcp-relay.ts';
import { UdpRelay } from './udp-relay.ts';

/** All relays, as they were last asked for. */
export class Relays {
  readonly #relays = new Map<string, Relay>();
  readonly #openers: Openers;

  constructor(openers: Openers = LOCAL) {
    this.#openers = openers;
  }

  /** Gives those that could not listen; each call tries them again. */
  async apply(wanted: readonly ServedRelay[]): Promise<readonly FailedSocket[]> {
    const byKey = new Map(wanted.map((relay) => [`${relay.protocol} ${relay.address} ${relay.port}`, relay]));
    for (const [key, relay] of this.#relays) {
      if (byKey.has(key)) continue;
      relay.close();
      this.#relays.delete(key);
    }
    const failed = await Promise.all(
      [...byKey].map(async ([key, { protocol, address, port, target }]): Promise<readonly FailedSocket[]> => {
        const relay = this.#obtain(key, { protocol, address, port, target });
        relay.target = target;
        const code = await relay.open();
        return code === undefined ? [] : [{ use: 'relay', protocol, address, port, code }];
      }),
    );
    return failed.flat();
  }

  close(): void {
    for (const relay of this.#relays.values()) relay.close();
    this.#relays.clear();
  }

  #obtain(key: string, wanted: ServedRelay): Relay {
    let relay = this.#relays.get(key);
    if (relay === undefined) {
      relay =
        wanted.protocol === 'tcp'
          ? new TcpRelay(wanted, this.#openers)
          : new UdpRelay(wanted, undefined, this.#openers);
      this.#relays.set(key, relay);
    }
    return relay;
  }
}
