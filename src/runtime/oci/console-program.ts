import type { LaunchConfig } from '../config.ts';
import {
  AF_UNIX,
  AT_FDCWD,
  EEXIST,
  EFAULT,
  ENOENT,
  LAST_DESCRIPTOR,
  PR_SET_PDEATHSIG,
  S_IFIFO,
  SIGCHLD,
  SIGKILL,
  SOCK_STREAM,
} from '../launcher/constants.ts';
import { type Call, Program, type Structure } from '../launcher/program.ts';
import { executeProgram } from '../steps/process.ts';
import { bundlePaths, CONSOLE_SOCKET } from './bundle.ts';

/** Descriptor of the terminal's master in stage `copy` of the launch script. */
const MASTER = 8;

/**
 * Waits for the terminal that a runtime makes (OCI runtimes' `--console-socket`): a child takes it from the socket and goes
 * on with stage `copy` of the launch script, which outlives the start; who was forked from goes on with stage `relay`.
 * 4 and 5 are the ends of a pipe that tells the end of `copy`.
 */
export function consoleProgram({ spec, paths }: LaunchConfig): readonly Call[] {
  const program = new Program([0, 1, 2, 3]);
  program.call('close_range', [4, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
  if (spec.stdinOpen) {
    program.call('mknodat', [AT_FDCWD, paths.stdin, S_IFIFO | 0o600, 0], `make pipe ${paths.stdin}`, {
      tolerate: [EEXIST],
    });
  }
  program.pipe('make a pipe that tells the end');
  const bundle = bundlePaths(paths).directory;
  program.call('chdir', [bundle], `go to ${bundle}`);
  program.call('unlinkat', [AT_FDCWD, CONSOLE_SOCKET, 0], 'remove an older socket', { tolerate: [ENOENT] });
  const listener = program.open('socket', [AF_UNIX, SOCK_STREAM, 0], 'make a socket for the terminal');
  const address = socketAddress(CONSOLE_SOCKET);
  program.call('bind', [listener, address, address.length], `call it ${CONSOLE_SOCKET}`);
  program.call('listen', [listener, 1], 'listen');
  const child = takeMaster(listener, paths.launchScript);
  program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'wait for the terminal in a child', { parentSkips: child.length });
  for (const { name, args, words, tolerate, executes } of child) {
    program.call(name, args, words, { tolerate, executes });
  }
  program.close(listener);
  executeProgram(program, { argv: ['/bin/sh', paths.launchScript, 'relay'], env: {} });
  return program.calls;
}

/** Until it has the terminal it ends with the start, which may fail before. */
function takeMaster(listener: number, script: string): readonly Call[] {
  const child = new Program([0, 1, 2, 3, 4, 5, listener]);
  child.call('prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], 'end when the parent ends');
  child.close(3);
  child.close(4);
  const connection = child.open('accept4', [listener, 0, 0, 0], 'wait for the runtime');
  child.close(listener);
  const master = child.open('recvmsg', [connection, MESSAGE, 0], 'take the terminal', { tolerate: [EFAULT] });
  child.call('dup3', [master, MASTER, 0], `make it ${MASTER}`);
  child.close(master);
  child.close(connection);
  child.call('prctl', [PR_SET_PDEATHSIG, 0, 0, 0, 0], 'go on without a parent');
  child.call('setsid', [], 'begin a session');
  executeProgram(child, { argv: ['/bin/sh', script, 'copy'], env: {} });
  return child.calls;
}

/** `struct sockaddr_un` (unix(7)). */
function socketAddress(path: string): Uint8Array {
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, Buffer.from(`${path}\0`)]);
}

/** One `u64` of a structure. */
function word(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/**
 * `struct msghdr` for one descriptor. What is received beside it goes into a page that nobody reads. The structure itself
 * cannot be written, so that the kernel gives back EFAULT when all is done: by then the descriptor is there.
 */
const MESSAGE: Structure = {
  pieces: [
    word(0),
    word(0),
    { pointer: { pieces: [{ pointer: { scratch: true } }, word(64)] } },
    word(1),
    { pointer: { scratch: true } },
    word(64),
    word(0),
  ],
};
