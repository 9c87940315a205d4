/** `driver_opts` of an overlay. */
export const OVERLAY_OPTIONS = {
  vni: 'com.tsstack.overlay.vni',
  /** Addresses of all machines, this one's among them, in the same order on each. */
  peers: 'com.tsstack.overlay.peers',
  local: 'com.tsstack.overlay.local',
  port: 'com.tsstack.overlay.port',
} as const;

/** Not 4789, which is the standard's: what others have there (Docker's Swarm) must not be kept out by our rules. */
export const OVERLAY_PORT = 14_789;

/** What an outer packet costs: Ethernet 14, IPv4 20 or IPv6 40, UDP 8, VXLAN 8 bytes (RFC 7348, 5). */
export const OVERLAY_COST = { 4: 50, 6: 70 } as const;

/** The way of a network to the other machines: a VXLAN. */
export interface OverlayLink {
  /** Interface, at most 15 characters. */
  readonly vxlan: string;
  /** 1 to 16777215; the same on all machines. */
  readonly vni: number;
  readonly port: number;
  /** Of this machine. */
  readonly local: string;
  /** Of the others, in their order. */
  readonly peers: readonly string[];
  /** Addresses of the others inside the network: there they answer names. */
  readonly gateways: readonly string[];
  /** Of the network: what is left of that of the machines'. */
  readonly mtu: number;
}

/** Each machine gives out the addresses of its own part; so many there are at least, that more can be added. */
export const LEAST_PARTS = 4;
