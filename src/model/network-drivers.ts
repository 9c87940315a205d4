/** `driver_opts` of macvlan and ipvlan, by Docker's names. */
export const PARENT_OPTIONS = {
  parent: 'parent',
  macvlanMode: 'macvlan_mode',
  ipvlanMode: 'ipvlan_mode',
  ipvlanFlag: 'ipvlan_flag',
} as const;

export const NETWORK_DRIVERS = ['bridge', 'macvlan', 'ipvlan', 'overlay'] as const;

export type NetworkDriver = (typeof NETWORK_DRIVERS)[number];

/** The driver of a network, of what the stack file calls it; undefined: there is none of that name. */
export function networkDriver(written: string): NetworkDriver | undefined {
  if (written === '' || written === 'default') return 'bridge';
  return NETWORK_DRIVERS.find((driver) => driver === written);
}

/** Modes of the kernel's drivers (ip-link(8)); the first is what counts when none is written, as with Docker. */
const MODES = {
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
} as const;

const FLAGS = ['bridge', 'private', 'vepa'];

/** How interfaces of containers are made of one of the host. */
export interface ParentLink {
  readonly driver: 'macvlan' | 'ipvlan';
  /** Interface of the host, at most 15 characters. */
  readonly device: string;
  readonly mode: string;
  /** `ipvlan_flag`; absent: the kernel's, which is bridge. */
  readonly flag?: string;
}

/** The parent of a network: made with it, where it is not there. */
export interface NetworkParent extends ParentLink {
  /** It is a VLAN of another interface and made by us. */
  readonly vlan?: { readonly of: string; readonly id: number };
  /** It leads nowhere and is made by us: the network is for its containers alone. */
  readonly dummy?: true;
}

interface Written {
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
}

/** Reads `parent`, modes and flag; `dummy` is the name of the parent where none is written. */
export function parentLink({ driver, driverOptions }: Written, dummy: string): NetworkParent | undefined {
  if (driver !== 'macvlan' && driver !== 'ipvlan') return undefined;
  const device = driverOptions[PARENT_OPTIONS.parent] || undefined;
  const mode = driverOptions[driver === 'macvlan' ? PARENT_OPTIONS.macvlanMode : PARENT_OPTIONS.ipvlanMode];
  const flag = driver === 'ipvlan' ? driverOptions[PARENT_OPTIONS.ipvlanFlag] || undefined : undefined;
  return {
    driver,
    device: device ?? dummy,
    mode: mode || MODES[driver][0],
    ...(flag !== undefined && { flag }),
    ...(device === undefined && { dummy: true }),
  };
}

/** `eth0` and 10 of `eth0.10`; undefined: no name of a VLAN. */
export function vlanOf(device: string): NetworkParent['vlan'] {
  const [, of = '', digits = ''] = /^(.+)\.(\d{1,4})$/.exec(device) ?? [];
  const id = Number(digits);
  return of !== '' && id >= 1 && id <= 4094 ? { of, id } : undefined;
}

/** What is wrong with a mode or flag, in words. */
export function parentProblem({ driver, mode, flag }: ParentLink): string | undefined {
  const modes: readonly string[] = MODES[driver];
  if (!modes.includes(mode)) return `driver_opts ${driver}_mode is "${mode}", not one of ${modes.join(', ')}`;
  if (flag === undefined || FLAGS.includes(flag)) return undefined;
  return `driver_opts ${PARENT_OPTIONS.ipvlanFlag} is "${flag}", not one of ${FLAGS.join(', ')}`;
}

/** In these modes the kernel routes: there is no neighbour, so no gateway. */
export function isRouting({ mode }: ParentLink): boolean {
  return mode === 'l3' || mode === 'l3s';
}
