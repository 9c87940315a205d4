import { readRootFile, rootFilesystem } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import { buildExec, type Exec } from '../runtime/exec.ts';
import { resolveUser } from '../runtime/user.ts';
import { cgroupName, containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import type { MachineContext } from './context.ts';
import { seccompProfile } from './seccomp-profile.ts';

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
  const layers = containerPaths(paths, spec.key).layers;
  const passwd = readRootFile(host, rootfs, layers, '/etc/passwd') ?? '';
  const group = readRootFile(host, rootfs, layers, '/etc/group') ?? '';
  const identity = resolveUser(options.user ?? spec.user, spec.groupAdd, passwd, group);
  const profile = seccompProfile(host, spec);
  return buildExec({
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
  });
}
