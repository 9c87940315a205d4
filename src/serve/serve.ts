import type { FailedSocket, ServedContainer, ServedNetwork, ServedRelay, ServeRequest } from '../model/served.ts';
import { canonicalAddress } from './dns/directory.ts';
import { Forwarder } from './dns/forwarder.ts';
import { Listener } from './dns/listener.ts';
import { Resolver } from './dns/resolver.ts';
import { MachineResolvers } from './dns/upstreams.ts';
import type { Openers } from './relay/openers.ts';
import { Relays } from './relay/relays.ts';

/** Machines of an overlay are asked all at once: a client waits for those that are away before it hears of others. */
const PEER_TIMES = { patienceMs: 250, deadlineMs: 500 };

/** All that it does, as it was last told. Invariant: what `apply()` gives back is in force when it does. */
export class Serve {
  readonly #resolver: Resolver;
  /** By network and gateway address. */
  readonly #listeners = new Map<string, Listener>();
  readonly #relays: Relays;
  #wantedRelays: readonly ServedRelay[] = [];
  #networks: readonly ServedNetwork[] = [];
  #containers = new Map<string, ServedContainer>();

  /** `openers`: of the sockets of published ports; absent: our own network is the machine's. */
  constructor(openers?: Openers) {
    this.#relays = new Relays(openers);
    const machine = new MachineResolvers();
    this.#resolver = new Resolver({
      forwarder: new Forwarder(),
      machineServers: () => machine.servers,
      peerForwarder: new Forwarder(PEER_TIMES),
    });
  }

  /** Nobody can ask. */
  get idle(): boolean {
    return this.#networks.length === 0;
  }

  /** Gives the sockets that could not be opened; each call tries them again. */
  async apply({ anew, networks, containers = {}, relays }: ServeRequest): Promise<readonly FailedSocket[]> {
    if (anew === true) {
      this.#networks = [];
      this.#containers = new Map();
      this.#wantedRelays = [];
    }
    this.#wantedRelays = relays ?? this.#wantedRelays;
    this.#networks = networks ?? this.#networks;
    for (const [name, container] of Object.entries(containers)) {
      if (container === null) this.#containers.delete(name);
      else this.#containers.set(name, container);
    }
    this.#resolver.update(this.#networks, this.#containers);
    return [...(await this.#listen()), ...(await this.#relays.apply(this.#wantedRelays))];
  }

  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    this.#relays.close();
  }

  async #listen(): Promise<readonly FailedSocket[]> {
    const wanted = new Map<string, { readonly network: string; readonly address: string }>(
      this.#networks.flatMap(({ name, gateways }) =>
        gateways.flatMap((gateway) => {
          const address = canonicalAddress(gateway);
          return address === undefined ? [] : [[`${name} ${address}`, { network: name, address }] as const];
        }),
      ),
    );
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      listener.close();
      this.#listeners.delete(key);
    }
    for (const [key, { network, address }] of wanted) {
      if (this.#listeners.has(key)) continue;
      const answer = (packet: Buffer, from: string, stream: boolean) =>
        this.#resolver.answer(packet, { network, from, stream });
      this.#listeners.set(key, new Listener(address, answer));
    }
    return (await Promise.all([...this.#listeners.values()].map((listener) => listener.open()))).flat();
  }
}
