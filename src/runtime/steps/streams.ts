import type { ContainerPaths } from '../../store/paths.ts';
import type { LaunchConfig } from '../config.ts';
import { AT_FDCWD, EEXIST, O_RDWR, S_IFIFO } from '../launcher/constants.ts';
import type { Program } from '../launcher/program.ts';
import { hasErrorLog } from '../streams.ts';

/** A pipe with a name that is open for writing too, so that reading it never ends. */
export function openStdin(program: Program, { stdin: path }: ContainerPaths): void {
  program.call('mknodat', [AT_FDCWD, path, S_IFIFO | 0o600, 0], `make pipe ${path}`, { tolerate: [EEXIST] });
  const pipe = program.open('openat', [AT_FDCWD, path, O_RDWR, 0], `open ${path}`);
  program.call('dup3', [pipe, 0, 0], 'make it standard input');
  program.close(pipe);
}

/** /dev/stdout is opened anew by its path, which asks who owns the log. */
export function giveOutput(program: Program, { spec, identity }: LaunchConfig, idBase: number): void {
  const given = [...(spec.stdinOpen ? [0] : []), 1, ...(hasErrorLog(spec) ? [2] : [])];
  for (const descriptor of given) {
    const words = `give ${descriptor === 0 ? 'standard input' : descriptor === 1 ? 'the log' : 'standard error'} to user ${identity.uid} of the container`;
    program.call('fchown', [descriptor, idBase + identity.uid, idBase + identity.gid], words);
  }
}
