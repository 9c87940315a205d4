import { explainReport } from '../lib/launch-report.ts';
import { AT_FDCWD, CLONE_NEWNET, CLONE_NEWNS, LAST_DESCRIPTOR, O_RDONLY } from './launcher/constants.ts';
import { assembleElf } from './launcher/elf.ts';
import { listCalls } from './launcher/listing.ts';
import { type Call, Program } from './launcher/program.ts';
import type { Architecture } from './launcher/syscalls.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const MSG_WAITALL = 0x100;
const MSG_NOSIGNAL = 0x4000;
const STDOUT = 1;
/** `HTTP/1.1 200` */
const STATUS_BYTES = 12;

/** One look at a container, by a launcher without a program: open it as descriptor 3 and execute it. */
export interface Look {
  readonly argv: readonly string[];
  readonly launcher: Uint8Array;
  /** Why it failed, from what it printed. */
  readonly explain: (output: string) => string;
}

/** GET over one connection inside the network namespace of process `pid`; prints the first 12 bytes of the answer. */
export function httpLook(
  arch: Architecture,
  pid: number,
  { address, port, path }: { readonly address: Uint8Array; readonly port: number; readonly path: string },
): Look {
  const program = begin();
  enter(program, pid, 'net', CLONE_NEWNET);
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const socket = program.open('socket', [family, SOCK_STREAM, 0], 'make a socket');
  const to = socketAddress(family, address, port);
  program.call('connect', [socket, to, to.length, 0, 0, 0], `connect to port ${port}`);
  const request = Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nUser-Agent: tsstack\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
  );
  program.call('sendto', [socket, request, request.length, MSG_NOSIGNAL, 0, 0], 'send the request');
  program.call('recvfrom', [socket, { scratch: true }, STATUS_BYTES, MSG_WAITALL, 0, 0], 'receive the status');
  program.call('write', [STDOUT, { scratch: true }, STATUS_BYTES], 'print it');
  return finish(arch, program);
}

/** Is something there at a path, as the container itself would resolve it? */
export function fileLook(arch: Architecture, pid: number, path: string): Look {
  const program = begin();
  // Entering a mount namespace makes its root ours: no link of the container leads out of it.
  enter(program, pid, 'mnt', CLONE_NEWNS);
  program.call('faccessat', [AT_FDCWD, path, 0], `look for ${path}`);
  return finish(arch, program);
}

function begin(): Program {
  const program = new Program([0, 1, 2, 3]);
  program.call('close_range', [4, LAST_DESCRIPTOR, 0], 'close everything but the launcher');
  return program;
}

function enter(program: Program, pid: number, name: string, flag: number): void {
  const file = program.open('openat', [AT_FDCWD, `/proc/${pid}/ns/${name}`, O_RDONLY, 0], `open namespace ${name}`);
  program.call('setns', [file, flag], `enter namespace ${name}`);
  program.close(file);
}

function finish(arch: Architecture, program: Program): Look {
  program.call('exit_group', [0], 'end', { executes: true });
  const calls: readonly Call[] = program.calls;
  return {
    argv: ['/proc/self/fd/3'],
    launcher: assembleElf(arch, calls, STDOUT),
    explain: (output) => explainReport(listCalls(calls), Buffer.from(output)),
  };
}

/** struct sockaddr_in, sockaddr_in6: ip(7), ipv6(7). */
function socketAddress(family: number, address: Uint8Array, port: number): Uint8Array {
  const bytes = Buffer.alloc(family === AF_INET ? 16 : 28);
  bytes.writeUInt16LE(family, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address, family === AF_INET ? 4 : 8);
  return bytes;
}
