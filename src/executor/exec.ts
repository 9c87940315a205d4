import { findProgram } from '../host/find-program.ts';
import type { Host } from '../host/host.ts';
import { imageName, readRootFile, rootFilesystem } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import { buildExec, buildRuntimeExec, type Exec, type ExecConfig } from '../runtime/exec.ts';
import { hasOwnKernel } from '../runtime/oci/runtimes.ts';
import { resolveUser } from '../runtime/user.ts';
import { type ContainerPaths, cgroupName, containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { MachineContext } from './context.ts';
import { keptProfile } from './seccomp-profile.ts';

export interface ExecOptions {
  readonly argv: readonly string[];
  /** Added to the container's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Absent: the container's. */
  readonly user?: string;
  readonly workingDir?: string;
  readonly tty?: boolean;
  readonly privileged?: boolean;
  /** It can be killed with all that it started. */
  readonly keepsOrphans?: boolean;
}

/** What enters a running container with the same identity, limits and namespaces as its pid 1. `pid`: that one's, or a link to its directory in /proc. */
export async function prepareExec(
  context: Pick<MachineContext, 'host' | 'paths' | 'cgroups' | 'kernel'>,
  record: ContainerRecord,
  pid: number | string,
  options: ExecOptions,
): Promise<Exec> {
  const { host, paths, cgroups, kernel } = context;
  const { spec } = record;
  if (options.argv.length === 0) throw new TsstackError('usage', 'There is no command to run in the container');
  const rootfs = await rootFilesystem(context, spec.image.source, spec.image.id);
  const files = containerPaths(paths, spec.key);
  const passwd = readRootFile(host, rootfs, files.layers, '/etc/passwd') ?? '';
  const group = readRootFile(host, rootfs, files.layers, '/etc/group') ?? '';
  const image = imageName(spec.image.source);
  const identity = resolveUser(options.user ?? spec.user, spec.groupAdd, { passwd, group, image });
  const profile = keptProfile(host, files, spec.security);
  const config: ExecConfig = {
    spec,
    pid,
    argv: options.argv,
    env: { HOME: identity.home, ...spec.env, ...options.environment },
    workingDir: options.workingDir ?? spec.workingDir,
    identity,
    cgroupJoinFiles: cgroups.joinFiles(cgroupName(spec.key)),
    kernel,
    tty: options.tty === true,
    privileged: options.privileged === true,
    ...(options.keepsOrphans === true && { keepsOrphans: true }),
    ...(profile !== undefined && { seccompProfile: profile }),
  };
  return build(host, config, files);
}

/** Of a runtime that brings a kernel of its own only that one itself can enter: pid 1 is no process of this kernel. */
function build(host: Host, config: ExecConfig, paths: ContainerPaths): Exec {
  const { runtime, name } = config.spec;
  if (!hasOwnKernel(runtime)) return buildExec(config);
  const program = findProgram(host, runtime);
  if (program !== undefined) return buildRuntimeExec(config, { program, paths });
  throw new TsstackError(
    'not-found',
    `Nothing can be executed in ${name}: this machine has no OCI runtime "${runtime}"`,
    {
      hint: 'Install it again, or stop the container',
    },
  );
}
