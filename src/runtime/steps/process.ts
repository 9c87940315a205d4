import { CAPABILITIES } from '../../model/capabilities.ts';
import type { ContainerSpec } from '../../model/container.ts';
import { capabilityMask } from '../capabilities.ts';
import type { KernelFacts } from '../kernel-facts.ts';
import type { Label } from '../labels.ts';
import {
  AT_FDCWD,
  CAPABILITY_VERSION,
  CLONE_NEWUSER,
  CLOSE_RANGE_CLOEXEC,
  EACCES,
  EINVAL,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  EPERM,
  KEYCTL_JOIN_SESSION_KEYRING,
  LAST_DESCRIPTOR,
  LAST_SIGNAL,
  O_WRONLY,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAPBSET_DROP,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
  PR_SET_SECUREBITS,
  SECCOMP_SET_MODE_FILTER,
  SIG_SETMASK,
  SIGCHLD,
  SIGKILL,
  SIGSET_SIZE,
  SIGSTOP,
} from '../launcher/constants.ts';
import type { CallOptions, Program, Structure } from '../launcher/program.ts';
import { containerRlimits, limitText } from '../rlimit.ts';
import type { Filter } from '../seccomp/filter.ts';
import type { Identity } from '../user.ts';

/** Who the program will be and what it will be able to do: the same for pid 1 and for what is executed beside it. */
export interface ProcessConfig {
  readonly spec: Pick<ContainerSpec, 'security' | 'ulimits'>;
  readonly kernel: KernelFacts;
  readonly identity: Identity;
  /** Without `CAP_`. */
  readonly capabilities: readonly string[];
  readonly filter: Filter | undefined;
  readonly workingDir: string;
  /** Descriptor of the user namespace to enter. */
  readonly userNamespace: number | undefined;
}

/** Ignored and blocked signals are inherited, and a shell ignores some for its background jobs. */
export function resetSignals(program: Program): void {
  const defaultAction = new Uint8Array(32);
  for (let signal = 1; signal <= LAST_SIGNAL; signal += 1) {
    if (signal === SIGKILL || signal === SIGSTOP) continue;
    program.call('rt_sigaction', [signal, defaultAction, 0, SIGSET_SIZE], 'set every signal to its default');
  }
  program.call('rt_sigprocmask', [SIG_SETMASK, new Uint8Array(8), 0, SIGSET_SIZE], 'block no signal');
}

/**
 * A session keyring is inherited: without the filter, or with keyctl allowed, who starts a container would share their keys
 * with it. Some kernels are built without keys.
 */
export function joinSessionKeyring(program: Program): void {
  const words = 'have a session keyring of its own';
  program.call('keyctl', [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0], words, { tolerate: [ENOSYS] });
}

/**
 * Done while the host's /proc is there. Less than our own needs CAP_SYS_RESOURCE; without it ours stays, unless the stack
 * file asks for another. `wanted`: absent when it does not.
 */
export function setOomScore(program: Program, wanted: number | undefined): void {
  const file = program.open(
    'openat',
    [AT_FDCWD, '/proc/self/oom_score_adj', O_WRONLY, 0],
    'open /proc/self/oom_score_adj',
  );
  const text = String(wanted ?? 0);
  program.call('write', [file, text, text.length], `set oom_score_adj to ${text}`, {
    tolerate: wanted === undefined ? [EACCES, EPERM] : [],
  });
  program.close(file);
}

/**
 * Done while the host's /proc is there: nothing that is mounted in the container can take the label away. It stays from
 * here until the execution, whatever ids and capabilities change to; the kernel wants it written by whoever opened it.
 */
export function setLabels(program: Program, labels: readonly Label[]): void {
  for (const { file: path, text, words } of labels) {
    const file = program.open('openat', [AT_FDCWD, path, O_WRONLY, 0], `open ${path}`);
    program.call('write', [file, text, Buffer.byteLength(text)], words);
    program.close(file);
  }
}

/**
 * Limits, working directory, capabilities, ids, filter. Without no_new_privs the filter needs CAP_SYS_ADMIN, so it comes
 * before the ids are dropped, and allows what follows (Docker's does); with it, it comes last.
 */
export function becomeProcess(program: Program, config: ProcessConfig, parentDeath: 'kill' | 'nothing'): void {
  const { spec, kernel, identity, capabilities, filter, workingDir, userNamespace } = config;
  const { noNewPrivileges } = spec.security;
  program.call('umask', [0o022], 'set umask to 022');
  setRlimits(program, config);
  program.call('chdir', [workingDir], `go to the working directory, ${workingDir}`);
  // Afterwards nothing can be done to what lies outside, not even to our own limits.
  if (userNamespace !== undefined) {
    program.call('setns', [userNamespace, CLONE_NEWUSER], 'enter the user namespace');
    program.close(userNamespace);
  }
  // Root has capabilities and loses them with its ids, whatever was set for whoever started us; programs that keep some
  // (PR_SET_KEEPCAPS) or none (SECBIT_NOROOT) may go on to ask for it, so nothing is locked. As with runc.
  program.call('prctl', [PR_SET_SECUREBITS, 0, 0, 0, 0], 'have no securebits, and none locked');
  if (filter !== undefined && !noNewPrivileges) installFilter(program, filter);
  dropBoundingSet(program, kernel, capabilities);
  program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0], 'have no ambient capability');
  setIdentity(program, identity);
  setCapabilities(program, identity.uid === 0 ? capabilityMask(capabilities) : 0n);
  // Cleared by the kernel whenever ids or capabilities change, so not earlier.
  if (parentDeath === 'kill') program.call('prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], 'end when the parent ends');
  if (noNewPrivileges) program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], 'get no new privileges');
  if (filter !== undefined && noNewPrivileges) installFilter(program, filter);
  const words = 'close everything but standard input, output and error on execution';
  program.call('close_range', [3, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC], words);
}

function setRlimits(program: Program, { spec, kernel }: ProcessConfig): void {
  for (const { name, resource, soft, hard } of containerRlimits(spec.ulimits, kernel)) {
    const limits = Buffer.alloc(16);
    limits.writeBigUInt64LE(BigInt.asUintN(64, BigInt(soft)), 0);
    limits.writeBigUInt64LE(BigInt.asUintN(64, BigInt(hard)), 8);
    program.call('prlimit64', [0, resource, limits, 0], `set limit ${name} to ${limitText({ soft, hard })}`);
  }
}

/** `struct sock_fprog`: number of instructions, pointer to them. */
function installFilter(program: Program, { program: filter, flags }: Filter): void {
  const length = Buffer.alloc(8);
  length.writeUInt16LE(filter.length / 8);
  const words = `install the seccomp filter, ${filter.length / 8} instructions`;
  program.call('seccomp', [SECCOMP_SET_MODE_FILTER, flags, { pieces: [length, { pointer: filter }] }], words);
}

function dropBoundingSet(program: Program, kernel: KernelFacts, keep: readonly string[]): void {
  const kept = keep.length === 0 ? 'nothing' : keep.join(' ');
  for (let number = 0; number <= kernel.lastCapability; number += 1) {
    if (keep.includes(CAPABILITIES[number] ?? '')) continue;
    program.call('prctl', [PR_CAPBSET_DROP, number, 0, 0, 0], `keep of the bounding set ${kept}`);
  }
}

function setIdentity(program: Program, { uid, gid, groups }: Identity): void {
  const list = Buffer.alloc(groups.length * 4);
  for (const [index, group] of groups.entries()) list.writeUInt32LE(group, index * 4);
  program.call('setgroups', [groups.length, list], `set supplementary groups to [${groups.join(' ')}]`);
  program.call('setresgid', [gid, gid, gid], `become group ${gid}`);
  program.call('setresuid', [uid, uid, uid], `become user ${uid}`);
}

/** Effective and permitted; inheritable stays empty (CVE-2022-24769). */
export function setCapabilities(program: Program, mask: bigint): void {
  const low = Number(mask & 0xffffffffn);
  const high = Number(mask >> 32n);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION);
  const sets = Buffer.alloc(24);
  for (const [index, word] of [low, low, 0, high, high, 0].entries()) sets.writeUInt32LE(word, index * 4);
  program.call('capset', [header, sets], `set capabilities to ${mask.toString(16).padStart(16, '0')}`);
}

export interface Execution {
  /** At least one word. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * execve(2), with the search along PATH as execvp(3) has it: what is missing or not executable is passed over; only when
 * nothing could be executed does "not executable" count for more than "missing".
 */
export function executeProgram(program: Program, { argv, env }: Execution): void {
  const [name = ''] = argv;
  const vectors = [stringVector(argv), environmentVector(env)] as const;
  const attempt = (path: string, words: string, options: CallOptions) =>
    program.call('execve', [path, ...vectors], words, { ...options, executes: true });
  const words = `run ${JSON.stringify(name)}`;
  if (name.includes('/') || name === '') {
    attempt(name, words, {});
    return;
  }
  const directories = (env['PATH'] ?? '').split(':').map((directory) => (directory === '' ? '.' : directory));
  const paths = directories.map((directory) => `${directory}/${name}`);
  for (const path of paths) attempt(path, `${words} as ${path}`, { tolerate: [ENOENT, ENOTDIR, EACCES] });
  for (const path of paths) attempt(path, `${words} as ${path}`, { tolerate: [ENOENT, ENOTDIR] });
  attempt(paths.at(-1) ?? name, words, {});
}

/**
 * `init: true`: the launcher itself stays as pid 1, with nothing open but the standard descriptors, and the program is its
 * child. So no file of the host is executed in the container: the launcher's own has no name any more.
 */
export function stayAsInit(program: Program): void {
  program.call('prctl', [PR_SET_NAME, 'init', 0, 0, 0], 'be called init');
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0], 'be out of reach of other processes');
  // With the pid namespace of the host, orphans would go to the init of that.
  program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'be who orphans go to', {
    // An emulator of another architecture does not know it.
    tolerate: [EINVAL],
  });
  program.call('rt_sigprocmask', [SIG_SETMASK, new Uint8Array(8).fill(255), 0, SIGSET_SIZE], 'block every signal');
  program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'stay as init, go on in a child', { fork: 'init' });
  // Signals that the program sends to its own group must not come back to it.
  program.call('setpgid', [0, 0], 'begin a process group');
  program.call('rt_sigprocmask', [SIG_SETMASK, new Uint8Array(8), 0, SIGSET_SIZE], 'block no signal');
}

function environmentVector(env: Readonly<Record<string, string>>): Structure {
  return stringVector(Object.entries(env).map(([name, value]) => `${name}=${value}`));
}

function stringVector(strings: readonly string[]): Structure {
  return { pieces: [...strings.map((pointer) => ({ pointer })), new Uint8Array(8)] };
}
