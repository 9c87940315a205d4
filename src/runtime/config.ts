import type { ContainerSpec } from '../model/container.ts';
import type { DeviceRule } from '../model/device-rule.ts';
import type { RootFilesystem } from '../model/image.ts';
import type { ContainerPaths } from '../store/paths.ts';
import type { KernelFacts } from './kernel-facts.ts';
import type { DeviceProgram } from './steps/devices.ts';
import type { Identity } from './user.ts';

/** A bind or tmpfs mount with its source found. */
export type ResolvedMount =
  | {
      readonly type: 'bind';
      /** Absolute host path; of a volume its data directory. */
      readonly source: string;
      /** Path inside `source` that is mounted instead; what a container puts there cannot lead it out of `source`. */
      readonly subpath?: string;
      /** Decides whether the mount point is a file or a directory. */
      readonly sourceIsDirectory: boolean;
      readonly target: string;
      readonly readOnly: boolean;
      readonly propagation?: string;
      /** Its owner is an id of the container's already, on the host too: not mapped once more. */
      readonly ownIds?: true;
    }
  | {
      /** An image, read-only. */
      readonly type: 'layers';
      /** Absolute host paths, top first, two at least. */
      readonly lower: readonly string[];
      /** Directory of the container, on which they are mounted for a moment. */
      readonly place: string;
      readonly subpath?: string;
      readonly sourceIsDirectory: boolean;
      readonly target: string;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly readOnly: boolean; readonly options: string };

/** The container's network namespace. */
export type NetworkNamespace =
  | { readonly type: 'host' }
  /** Path of a namespace file, `/run/netns/ts-demo.web.1`. */
  | { readonly type: 'path'; readonly path: string };

/** A running container that a namespace is shared with. */
export interface NamespaceHolder {
  readonly name: string;
  /** File that says who its first process is, as `ContainerPaths.init`. */
  readonly init: string;
}

export interface LaunchConfig {
  readonly spec: ContainerSpec;
  /** Counts the starts of this container, from 1; written into the exit file with the status. */
  readonly run: number;
  readonly rootfs: RootFilesystem;
  readonly mounts: readonly ResolvedMount[];
  readonly identity: Identity;
  readonly paths: ContainerPaths;
  readonly network: NetworkNamespace;
  /** Whose namespaces are shared where `spec.namespaces` says so; absent: no one's. */
  readonly holders?: { readonly ipc?: NamespaceHolder; readonly pid?: NamespaceHolder };
  readonly cgroupJoinFiles: readonly string[];
  /** cgroup v2: which devices may be used; absent: the cgroup knows, or all may. */
  readonly devices?: DeviceProgram;
  readonly kernel: KernelFacts;
  /** Text of the profile when `spec.security.seccomp` is a path. */
  readonly seccompProfile?: string;
  /** What an OCI runtime must be told; absent: the launcher executes the program. */
  readonly oci?: OciFacts;
}

/** The OCI runtime of a container, and what only the machine can say of its devices. */
export interface OciFacts {
  /** Absolute path of the runtime. */
  readonly program: string;
  /** The device cgroup's rules. */
  readonly deviceRules: 'all' | readonly DeviceRule[];
  /** Sources of devices that are directories of devices. */
  readonly deviceDirectories: readonly string[];
}

export interface ExecConfig {
  readonly spec: ContainerSpec;
  /** Host pid of the container's pid 1, or the path of a link to its directory in /proc. */
  readonly pid: number | string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly identity: Identity;
  readonly cgroupJoinFiles: readonly string[];
  readonly kernel: KernelFacts;
  /** Make a terminal of the container's own devpts the controlling terminal; its master end comes in as descriptor 4. */
  readonly tty: boolean;
  readonly privileged: boolean;
  /** What it leaves behind stays below it while it runs, so that it can be killed whole. */
  readonly keepsOrphans?: boolean;
  /** Text of the profile when `spec.security.seccomp` is a path. */
  readonly seccompProfile?: string;
}
