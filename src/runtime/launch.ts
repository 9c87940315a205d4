import type { ContainerSpec } from '../model/container.ts';
import type { RootFilesystem } from '../model/image.ts';
import type { ContainerPaths } from '../store/paths.ts';
import type { KernelFacts } from './kernel-facts.ts';
import type { Identity } from './user.ts';

/** A bind or tmpfs mount with its source found. */
export type ResolvedMount =
  | {
      readonly type: 'bind';
      /** Absolute host path; of a volume its data directory. */
      readonly source: string;
      /** Decides whether the mount point is a file or a directory. */
      readonly sourceIsDirectory: boolean;
      readonly target: string;
      readonly readOnly: boolean;
      readonly propagation?: string;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly readOnly: boolean; readonly options: string };

/** The container's network namespace. */
export type NetworkNamespace =
  | { readonly type: 'host' }
  /** Path of a namespace file, `/run/netns/ts-demo.web.1`. */
  | { readonly type: 'path'; readonly path: string };

export interface LaunchConfig {
  readonly spec: ContainerSpec;
  /** Counts the starts of this container, from 1; written into the exit file with the status. */
  readonly run: number;
  readonly rootfs: RootFilesystem;
  readonly mounts: readonly ResolvedMount[];
  readonly identity: Identity;
  readonly paths: ContainerPaths;
  readonly network: NetworkNamespace;
  readonly cgroupProcsFiles: readonly string[];
  readonly kernel: KernelFacts;
  /** Host path of a static init for `init: true`. */
  readonly initPath?: string;
  /** Text of the profile that `security.seccomp` names by its path. */
  readonly seccompProfile?: string;
}

export interface Launch {
  /** Text of the launch script, run as `sh SCRIPT`. */
  readonly script: string;
  /** The generated ELF. */
  readonly launcher: Uint8Array;
  /** The launcher's system calls in words, one a line, for `plan --script`, `explain` and golden tests. */
  readonly listing: string;
  /** Directories that must be there (overlay upper and work). */
  readonly directories: readonly string[];
}

/** Everything a start needs, as a pure function of the configuration. */
export function buildLaunch(_config: LaunchConfig): Launch {
  throw new Error('not written yet');
}

/** What the launcher wrote to its status pipe when it failed, in words: `mount proc on /proc: EPERM`. */
export function explainLaunchFailure(_launch: Launch, _message: Uint8Array): string {
  throw new Error('not written yet');
}
