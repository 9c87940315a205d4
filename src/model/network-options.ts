import type { OverlayLink } from './network-overlay.ts';

/** Names of a network's `driver_opts`: Docker's where it has one. */
export const NETWORK_OPTIONS = {
  mtu: 'com.docker.network.driver.mtu',
  bridgeName: 'com.docker.network.bridge.name',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  betweenContainers: 'com.docker.network.bridge.enable_icc',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  gatewayMode4: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayMode6: 'com.docker.network.bridge.gateway_mode_ipv6',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
} as const;

/** Names of the `driver_opts` of one connection. */
export const ENDPOINT_OPTIONS = {
  /** `net.ipv4.conf.IFNAME.log_martians=1,…`. */
  sysctls: 'com.docker.network.endpoint.sysctls',
  interfaceName: 'com.docker.network.endpoint.ifname',
} as const;

/** What a bridge does for containers beyond their own network: Docker's gateway modes. */
export type GatewayMode = 'nat' | 'routed' | 'isolated';

/** `driver_opts` of a bridge, read. */
export interface BridgeOptions {
  readonly mtu?: number;
  /** Name of the bridge; absent: one that follows from stack and key. */
  readonly name?: string;
  readonly masquerade: boolean;
  /** false: containers on it do not reach each other. */
  readonly betweenContainers: boolean;
  /** Address of the host that ports are published on which name none. */
  readonly hostBinding?: string;
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  /** Names of interfaces in containers are this and a number. */
  readonly interfacePrefix: string;
}

/** `driver_opts` as Docker keeps them. */
interface WithOptions {
  readonly driverOptions: Readonly<Record<string, string>>;
}

/** A value that makes no sense counts as not written: `optionProblem()` says so. */
export function bridgeOptions({ driverOptions }: WithOptions): BridgeOptions {
  const text = (name: keyof typeof NETWORK_OPTIONS): string | undefined =>
    driverOptions[NETWORK_OPTIONS[name]] || undefined;
  const mtu = text('mtu');
  const name = text('bridgeName');
  const hostBinding = text('hostBinding');
  return {
    ...(mtu !== undefined && isMtu(mtu) && { mtu: Number(mtu) }),
    ...(name !== undefined && { name }),
    masquerade: !isOff(text('masquerade')),
    betweenContainers: !isOff(text('betweenContainers')),
    ...(hostBinding !== undefined && hostBinding !== '0.0.0.0' && { hostBinding }),
    gatewayMode4: gatewayMode(text('gatewayMode4')),
    gatewayMode6: gatewayMode(text('gatewayMode6')),
    interfacePrefix: text('interfacePrefix') ?? 'eth',
  };
}

/** MTU of a network; undefined: the kernel's own. */
export function mtuOf(network: WithOptions & { readonly overlay?: OverlayLink }): number | undefined {
  return bridgeOptions(network).mtu ?? network.overlay?.mtu;
}

/** Docker reads them as Go's strconv.ParseBool does. */
function isOff(value: string | undefined): boolean {
  return ['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(value ?? '');
}

function gatewayMode(value: string | undefined): GatewayMode {
  return value === 'routed' || value === 'isolated' ? value : 'nat';
}

/** 68 is the least of IPv4 (RFC 791). */
function isMtu(value: string): boolean {
  return /^\d+$/.test(value) && Number(value) >= 68 && Number(value) <= 65_535;
}

const BOOLEAN = /^(0|1|t|f|T|F|true|false|True|False|TRUE|FALSE)$/;
/** dev_valid_name() of net/core/dev.c, and no character that a file of /proc/sys or a line of nft would need escaped. */
const INTERFACE = /^(?!\.\.?$)[a-zA-Z0-9_.-]{1,15}$/;

const CHECKS: Readonly<Record<keyof typeof NETWORK_OPTIONS, readonly [(value: string) => boolean, string]>> = {
  mtu: [isMtu, 'a number of bytes from 68 to 65535'],
  bridgeName: [(value) => INTERFACE.test(value), 'a name of at most 15 letters, digits, "_", "-" and "."'],
  masquerade: [(value) => BOOLEAN.test(value), '"true" or "false"'],
  betweenContainers: [(value) => BOOLEAN.test(value), '"true" or "false"'],
  hostBinding: [(value) => /^\d{1,3}(\.\d{1,3}){3}$/.test(value), 'an IPv4 address of this machine'],
  gatewayMode4: [(value) => /^(nat|routed|isolated)$/.test(value), '"nat", "routed" or "isolated"'],
  gatewayMode6: [(value) => /^(nat|routed|isolated)$/.test(value), '"nat", "routed" or "isolated"'],
  interfacePrefix: [(value) => /^[a-zA-Z_][a-zA-Z0-9_-]{0,11}$/.test(value), 'at most 12 letters, digits, "_" and "-"'],
};

/** The first of a network's `driver_opts` whose value means nothing, and what it should be. */
export function optionProblem({
  driverOptions,
}: WithOptions): { option: string; value: string; wanted: string } | undefined {
  for (const [key, [isValid, wanted]] of Object.entries(CHECKS)) {
    const option = NETWORK_OPTIONS[key as keyof typeof NETWORK_OPTIONS];
    const value = driverOptions[option];
    if (value !== undefined && value !== '' && !isValid(value)) return { option, value, wanted };
  }
  return undefined;
}

const SYSCTL = /^net\.[a-z0-9]+\.[a-z0-9]+\.IFNAME\.[a-z0-9_]+=[^\s,]+$/;

/** Items of `com.docker.network.endpoint.sysctls` that are none: `net.PROTOCOL.KIND.IFNAME.NAME=VALUE` is expected. */
export function badSysctls(options: Readonly<Record<string, string>>): readonly string[] {
  return sysctlItems(options).filter((item) => !SYSCTL.test(item));
}

/** `net.ipv4.conf.eth0.log_martians` → `1`, in the order in which they are written; undefined: none. */
export function endpointSysctls(
  options: Readonly<Record<string, string>> | undefined,
  interfaceName: string,
): Readonly<Record<string, string>> | undefined {
  const items = sysctlItems(options ?? {}).filter((item) => SYSCTL.test(item));
  if (items.length === 0) return undefined;
  return Object.fromEntries(
    items.map((item) => {
      const equals = item.indexOf('=');
      return [item.slice(0, equals).replace('IFNAME', interfaceName), item.slice(equals + 1)];
    }),
  );
}

function sysctlItems(options: Readonly<Record<string, string>>): readonly string[] {
  return (options[ENDPOINT_OPTIONS.sysctls] ?? '').split(',').flatMap((item) => item.trim() || []);
}
