/**
 * The part of the OCI runtime specification's config.json (v1.2, config.md and config-linux.md) that we write. A `bigint`
 * is a number that no JavaScript number holds.
 */
export interface OciConfig {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname?: string;
  readonly mounts: readonly OciMount[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: OciLinux;
}

export interface OciProcess {
  readonly terminal: boolean;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly umask: number;
    readonly additionalGids: readonly number[];
  };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: Readonly<
    Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', readonly string[]>
  >;
  readonly rlimits: readonly {
    readonly type: string;
    readonly soft: number | bigint;
    readonly hard: number | bigint;
  }[];
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj: number;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
}

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciLinux {
  readonly namespaces: readonly { readonly type: string; readonly path?: string }[];
  readonly uidMappings?: readonly OciIdMapping[];
  readonly gidMappings?: readonly OciIdMapping[];
  readonly cgroupsPath: string;
  readonly resources: { readonly devices: readonly OciDeviceRule[] };
  readonly sysctl: Readonly<Record<string, string>>;
  readonly rootfsPropagation: string;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly seccomp?: OciSeccomp;
}

export interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** Absent numbers: any. */
export interface OciDeviceRule {
  readonly allow: boolean;
  readonly type?: 'a' | 'b' | 'c';
  readonly major?: number;
  readonly minor?: number;
  /** Letters out of `rwm`. */
  readonly access: string;
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly OciSyscalls[];
}

export interface OciSyscalls {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: bigint;
    readonly valueTwo?: bigint;
    readonly op: string;
  }[];
}

/** JSON has numbers of any size, JSON.stringify() has not. */
const MARK = '\u0001';

/** As the file is written: indented, big numbers in full. */
export function configText(config: OciConfig | OciProcess): string {
  const text = JSON.stringify(
    config,
    (_key, value: unknown) => (typeof value === 'bigint' ? `${MARK}${value}` : value),
    2,
  );
  // A control character is escaped in every string that has one, but not by us: no other string looks like this.
  return `${text.replaceAll(/"\\u0001(\d+)"/g, '$1')}\n`;
}
