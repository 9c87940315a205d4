import type { HostOp } from '../host/op.ts';
import { networkAlias } from '../model/address.ts';
import type { OverlayLink } from '../model/network-overlay.ts';
import type { Drift } from '../model/observed.ts';
import type { BridgeNetwork } from './bridge-network.ts';
import type { Element } from './nft.ts';
import type { Link } from './parse-ip.ts';

/** What of `NetworkState` tells of tunnels. */
interface Tunnels {
  readonly links: ReadonlyMap<string, Link>;
  readonly tunnels?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A network over several machines: a bridge of this one with a port that leads to the others. */
export type OverlayNetwork = BridgeNetwork & { readonly overlay: OverlayLink };

export function isOverlay(network: BridgeNetwork): network is OverlayNetwork {
  return network.overlay !== undefined;
}

/** Frames for everyone, and for addresses that are not known yet, go to all peers: the kernel copies them (bridge(8)). */
const EVERYONE = '00:00:00:00:00:00';

/** The port to the other machines, after the bridge; its entries for the peers. `before`: as it was made. */
export function createTunnel(network: OverlayNetwork, before?: OverlayNetwork): readonly HostOp[] {
  const { vxlan, vni, local, port, mtu, peers } = network.overlay;
  const stale = (before?.overlay.peers ?? []).filter((peer) => !peers.includes(peer));
  const kind = ['type', 'vxlan', 'id', String(vni), 'local', local, 'dstport', String(port)];
  const place = ['master', network.bridge, 'addrgenmode', 'none'];
  return [
    { op: 'ip', args: ['link', 'add', 'name', vxlan, 'mtu', String(mtu), ...kind], tolerate: 'exists' },
    {
      op: 'ip',
      args: ['link', 'set', 'dev', vxlan, 'mtu', String(mtu), ...place, 'alias', networkAlias(network), 'up'],
    },
    ...stale.map((peer): HostOp => {
      const words = ['bridge', 'fdb', 'del', EVERYONE, 'dev', vxlan, 'dst', peer];
      // Gone is fine.
      return { op: 'run', argv: ['sh', '-c', '"$@" || :', 'sh', ...words] };
    }),
    // Appending what is there already changes nothing.
    ...peers.map(
      (peer): HostOp => ({ op: 'run', argv: ['bridge', 'fdb', 'append', EVERYONE, 'dev', vxlan, 'dst', peer] }),
    ),
  ];
}

export function removeTunnel({ overlay }: OverlayNetwork): readonly HostOp[] {
  return [{ op: 'ip', args: ['link', 'del', 'dev', overlay.vxlan], tolerate: 'absent' }];
}

/** Only the peers' packets come in by the tunnel's port. Networks with the same port and peers have these in common. */
export function tunnelElements({ overlay: { port, peers } }: OverlayNetwork): readonly Element[] {
  return [
    { set: 'overlay_ports', text: String(port) },
    ...peers.map((peer) => ({
      set: peer.includes(':') ? 'overlay_peers6' : 'overlay_peers4',
      text: `${peer} . ${port}`,
    })),
  ];
}

export function tunnelDrift({ links, tunnels }: Tunnels, network: OverlayNetwork): readonly Drift[] {
  const { vxlan, mtu, peers } = network.overlay;
  const link = links.get(vxlan);
  const drift = (message: string): Drift => ({ kind: 'network', message });
  if (link === undefined) return [drift(`vxlan ${vxlan} is missing`)];
  const lost = peers.filter((peer) => tunnels?.get(vxlan)?.has(peer) === false);
  return [
    ...(link.up ? [] : [drift(`vxlan ${vxlan} is down`)]),
    ...(link.master === network.bridge ? [] : [drift(`vxlan ${vxlan} is not on bridge ${network.bridge}`)]),
    ...(link.mtu === mtu ? [] : [drift(`vxlan ${vxlan} has MTU ${link.mtu}, not ${mtu}`)]),
    ...lost.map((peer) => drift(`vxlan ${vxlan} does not lead to ${peer}`)),
  ];
}
