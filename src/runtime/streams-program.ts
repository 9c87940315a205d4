import type { LaunchConfig } from './config.ts';
import {
  AT_FDCWD,
  EEXIST,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_STRING,
  LAST_DESCRIPTOR,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  O_NOCTTY,
  O_RDONLY,
  O_RDWR,
  S_IFIFO,
} from './launcher/constants.ts';
import { type Call, Program } from './launcher/program.ts';
import { devptsOptions } from './steps/dev.ts';
import { executeProgram } from './steps/process.ts';
import { openPeer } from './steps/terminal.ts';
import { hostIdBase } from './user-namespace.ts';

/** What becomes the container's standard input, or its terminal. */
export const RELAY_STREAM = 6;
/** The devpts instance of that terminal, mounted nowhere yet. */
export const RELAY_DEVPTS = 7;

/**
 * Opens what a shell cannot, in the host's namespaces, and goes on with stage `relay` of the launch script. With a
 * terminal: 4 and 5 are the ends of a pipe that tells the relay's end, 6 the terminal, 7 the container's devpts, 8 the
 * master. Without: 4 is the named pipe of standard input, open for writing too, 5 another one that says that 4 has done
 * its duty, 6 the first for reading.
 */
export function streamsProgram(config: LaunchConfig): readonly Call[] {
  const { spec, paths } = config;
  const program = new Program([0, 1, 2, 3]);
  program.call('close_range', [4, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
  if (spec.stdinOpen) makePipe(program, paths.stdin);
  if (spec.tty) openTerminal(program, hostIdBase(spec, config.kernel, config.identity) ?? 0);
  else {
    makePipe(program, `${paths.stdin}.go`);
    const open = (path: string, flags: number) => program.open('openat', [AT_FDCWD, path, flags, 0], `open ${path}`);
    open(paths.stdin, O_RDWR);
    open(`${paths.stdin}.go`, O_RDWR);
    open(paths.stdin, O_RDONLY);
  }
  executeProgram(program, { argv: ['/bin/sh', paths.launchScript, 'relay'], env: {} });
  return program.calls;
}

function makePipe(program: Program, path: string): void {
  program.call('mknodat', [AT_FDCWD, path, S_IFIFO | 0o600, 0], `make pipe ${path}`, { tolerate: [EEXIST] });
}

function openTerminal(program: Program, idBase: number): void {
  program.pipe('make a pipe that tells the end');
  // Its number is free again for the terminal when the next ones have been given.
  const context = program.open('fsopen', ['devpts', 0], 'begin a devpts');
  for (const option of devptsOptions(idBase)) {
    const [name = '', value = ''] = option.split('=');
    program.call('fsconfig', [context, FSCONFIG_SET_STRING, name, value, 0], `set ${option}`);
  }
  program.call('fsconfig', [context, FSCONFIG_CMD_CREATE, 0, 0, 0], 'make it');
  const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  const devpts = program.open('fsmount', [context, 0, attributes], 'have it as a mount');
  const master = program.open('openat', [devpts, 'ptmx', O_RDWR | O_NOCTTY, 0], 'open a master');
  program.close(context);
  openPeer(program, master);
}
