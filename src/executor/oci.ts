import { posix } from 'node:path';
import { deviceRules } from '../cgroup/device-rules.ts';
import { findProgram } from '../host/find-program.ts';
import type { Host } from '../host/host.ts';
import type { HostOp } from '../host/op.ts';
import type { ContainerSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { OciFacts } from '../runtime/config.ts';
import type { Launch } from '../runtime/launch.ts';
import { deviceAccess } from './devices.ts';

/** Stands for one with namespaces, where none is asked for: what it is told is the same for all of them. */
const ANY_RUNTIME = '/usr/bin/runc';

/** What an OCI runtime must be told of the machine. Throws `not-found` when there is no such program. */
export function ociFacts(host: Host, spec: ContainerSpec): OciFacts {
  const { runtime, name, security } = spec;
  const program = runtime === undefined ? ANY_RUNTIME : findProgram(host, runtime);
  if (program === undefined) {
    throw new TsstackError('not-found', `${name} cannot be started: this machine has no OCI runtime "${runtime}"`, {
      hint: "Install it, or correct the service's runtime",
    });
  }
  return {
    program,
    deviceRules: deviceRules(host, deviceAccess(spec)),
    deviceDirectories: security.devices
      .map(({ source }) => source)
      .filter((source) => host.stat(`${source}/.`) !== undefined),
  };
}

/** Makes the bundle, over whatever an earlier start has left there; none for a built-in start. */
export function bundleOperations({ bundle }: Launch): readonly HostOp[] {
  if (bundle === undefined) return [];
  return [
    { op: 'remove', path: bundle.directory },
    ...bundle.directories.map((path): HostOp => ({ op: 'mkdir', path, mode: 0o755 })),
    ...bundle.files.map(({ path, data, mode }): HostOp => ({ op: 'write-file', path, data, mode })),
  ];
}

/**
 * What an OCI runtime wrote into its log about a start that failed, as its last error: `crun: executable file … not
 * found`. What is none of its log is given as it is.
 */
export function runtimeMessage({ runtime }: ContainerSpec, text: string): string {
  if (runtime === undefined) return text;
  const errors = text.split('\n').flatMap((line) => {
    const message = logMessage(line);
    return message === undefined ? [] : [message];
  });
  const last = errors.at(-1);
  return last === undefined ? text : `${posix.basename(runtime)}: ${last}`;
}

function logMessage(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null || !('msg' in entry) || typeof entry.msg !== 'string')
      return undefined;
    return 'level' in entry && entry.level !== 'error' ? undefined : entry.msg;
  } catch {
    return undefined;
  }
}
