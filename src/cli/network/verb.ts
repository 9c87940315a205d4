/** Options of `tsstack network`; each verb has some of them. */
export interface NetworkOptions {
  readonly quiet: boolean;
  readonly filter: readonly string[];
  readonly force: boolean;
  readonly driver: string | undefined;
  readonly subnet: readonly string[];
  readonly gateway: readonly string[];
  readonly 'ip-range': readonly string[];
  readonly 'aux-address': readonly string[];
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly opt: readonly string[];
  readonly label: readonly string[];
  readonly 'ipam-driver': string | undefined;
  readonly 'ipam-opt': readonly string[];
  readonly ip: string | undefined;
  readonly ip6: string | undefined;
  readonly alias: readonly string[];
  readonly 'link-local-ip': readonly string[];
  readonly 'driver-opt': readonly string[];
  readonly 'gw-priority': string | undefined;
  readonly index: string | undefined;
}
