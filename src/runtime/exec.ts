import type { ExecConfig } from './config.ts';
import { execProgram } from './exec-program.ts';
import { assembleElf } from './launcher/elf.ts';
import { listCalls } from './launcher/listing.ts';
import type { Call } from './launcher/program.ts';
import { type RuntimeExec, runtimeExecProgram } from './oci/exec.ts';

export type { ExecConfig } from './config.ts';

/** A program to run inside a container, as plain data: whoever performs it writes the launcher to a file, opens and unlinks it. */
export interface Exec {
  /**
   * argv of the host program that enters: it joins the cgroups and becomes the launcher, which must be open as
   * descriptor 3. The launcher enters the namespaces, waits for the program, and ends with its exit status. When
   * descriptor 5 is a pipe, what went wrong comes out of it (`explainLaunchFailure`); it is closed without a byte when
   * the program has been executed.
   */
  readonly argv: readonly string[];
  readonly launcher: Uint8Array;
  readonly listing: string;
  /** Descriptor 4, if there is to be a terminal, is one of the host's instead of the container's own. */
  readonly hostTerminal?: true;
}

/** Descriptor of the status pipe in an exec. */
const STATUS = 5;

/**
 * Same identity, capabilities, filter, limits and namespaces as the container's pid 1. No program of the host ever runs
 * where the container could reach it (CVE-2019-5736): the only one that is seen inside is the launcher, whose file has
 * been unlinked. Ends when its host process is killed.
 */
export function buildExec(config: ExecConfig): Exec {
  return execOf(config, execProgram(config), config.cgroupJoinFiles);
}

/**
 * The same through `RUNTIME exec`, for a container that is no processes of this kernel. The runtime has its own cgroups; that
 * the program cannot be executed is said by the runtime on standard error, with a status of its own.
 */
export function buildRuntimeExec(config: ExecConfig, runtime: RuntimeExec): Exec {
  return { ...execOf(config, runtimeExecProgram(config, runtime), []), hostTerminal: true };
}

function execOf({ kernel }: ExecConfig, calls: readonly Call[], cgroupJoinFiles: readonly string[]): Exec {
  const join = 'for file do echo 0 >"$file"; done';
  const script = `set -e; true 2>/dev/null >&5 || exec 5>/dev/null; ${join}; exec /proc/self/fd/3`;
  return {
    argv: ['/bin/sh', '-c', script, 'sh', ...cgroupJoinFiles],
    launcher: assembleElf(kernel.arch, calls, STATUS),
    listing: listCalls(calls),
  };
}
