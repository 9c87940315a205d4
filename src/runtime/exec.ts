import type { ContainerSpec } from '../model/container.ts';
import type { KernelFacts } from './kernel-facts.ts';
import type { Identity } from './user.ts';

export interface ExecConfig {
  readonly spec: ContainerSpec;
  /** Host pid of the container's pid 1. */
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly identity: Identity;
  readonly cgroupProcsFiles: readonly string[];
  readonly kernel: KernelFacts;
  /** Make a terminal of the container's own devpts the controlling terminal; its master end comes in as descriptor 4. */
  readonly tty: boolean;
  readonly privileged: boolean;
}

/** A program to run inside a container, as plain data: whoever performs it writes the launcher to a file, opens and unlinks it. */
export interface Exec {
  /**
   * argv of the host program that enters: it joins the cgroups and the pid namespace and becomes the launcher, which
   * must be open as descriptor 3.
   */
  readonly argv: readonly string[];
  readonly launcher: Uint8Array;
  readonly listing: string;
}

/** Same identity, capabilities, filter, limits and namespaces as the container's pid 1. */
export function buildExec(_config: ExecConfig): Exec {
  throw new Error('not written yet');
}
