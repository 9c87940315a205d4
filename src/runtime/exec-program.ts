import { containerCapabilities } from './capabilities.ts';
import type { ExecConfig } from './config.ts';
import { containerEnvironment } from './environment.ts';
import {
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUTS,
  EBADF,
  F_SETFD,
  FD_CLOEXEC,
  LAST_DESCRIPTOR,
  O_RDONLY,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  SIGCHLD,
} from './launcher/constants.ts';
import { type Call, Program } from './launcher/program.ts';
import { containerFilter } from './seccomp/filter.ts';
import { becomeProcess, executeProgram, resetSignals, setOomScore } from './steps/process.ts';
import { openPeer, takeTerminal } from './steps/terminal.ts';
import { hostIdBase } from './user-namespace.ts';

const TERMINAL = 4;

/**
 * The launcher of an exec: it begins in the host's namespaces and the container's cgroups, with itself open as
 * descriptor 3, a terminal's master as 4 or nothing, and a status pipe as 5.
 */
export function execProgram(config: ExecConfig): readonly Call[] {
  const { spec, identity, kernel, env, tty, privileged } = config;
  const idBase = hostIdBase(spec, kernel, identity) ?? 0;
  const program = new Program([0, 1, 2, 3, ...(tty ? [TERMINAL] : []), 5]);
  program.call('close_range', [6, LAST_DESCRIPTOR, 0], 'close everything beyond the status pipe');
  if (!tty) program.call('close', [TERMINAL], 'close 4', { tolerate: [EBADF] });
  program.call('fcntl', [5, F_SETFD, FD_CLOEXEC], 'close the status pipe on execution');
  program.close(3);
  // Until the program is executed, nobody inside may look into this process or trace it (CVE-2016-9962).
  program.call('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0], 'be out of reach of other processes');
  resetSignals(program);
  setOomScore(program, spec.resources.oomScoreAdj ?? 0);
  const userNamespace = enterContainer(program, config);
  if (config.keepsOrphans === true) {
    program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'be the parent of what its children leave behind');
  }
  program.call('setsid', [], 'begin a session');
  if (tty) takePeer(program, idBase + identity.uid);
  const security = { ...spec.security, privileged };
  const capabilities = containerCapabilities(security, kernel);
  const filter = containerFilter({
    spec: { ...spec, security },
    kernel,
    capabilities,
    seccompProfile: config.seccompProfile,
  });
  const process = { spec, kernel, identity, capabilities, filter, workingDir: config.workingDir, userNamespace };
  becomeProcess(program, process, 'kill');
  executeProgram(program, { argv: config.argv, env: containerEnvironment(env, spec, { identity, tty }) });
  return program.calls;
}

/**
 * All namespace files are opened while the host's /proc is there. Entering a pid namespace is for children only, so
 * there is a fork; the parent stays outside, holding nothing but the standard descriptors. Gives the descriptor of the
 * user namespace, which is entered later.
 */
function enterContainer(program: Program, { spec, pid }: ExecConfig): number | undefined {
  const directory = typeof pid === 'number' ? `/proc/${pid}` : pid;
  const open = (name: string) =>
    program.open('openat', [AT_FDCWD, `${directory}/ns/${name}`, O_RDONLY, 0], `open namespace ${name} of ${pid}`);
  const namespaces = [
    { name: 'cgroup', flag: CLONE_NEWCGROUP },
    { name: 'ipc', flag: CLONE_NEWIPC },
    { name: 'uts', flag: CLONE_NEWUTS },
    { name: 'net', flag: CLONE_NEWNET },
    ...(spec.namespaces.time === 'private' ? [{ name: 'time', flag: CLONE_NEWTIME }] : []),
    { name: 'mnt', flag: CLONE_NEWNS },
  ].map((each) => ({ ...each, file: open(each.name) }));
  const userNamespace = spec.namespaces.user === 'private' ? open('user') : undefined;
  if (spec.namespaces.pid === 'private') {
    const file = open('pid');
    program.call('setns', [file, CLONE_NEWPID], 'have children in namespace pid');
    program.close(file);
  }
  program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'go on in a child, wait for it', { fork: 'wait' });
  for (const { name, flag, file } of namespaces) {
    program.call('setns', [file, flag], `enter namespace ${name}`);
    program.close(file);
  }
  return userNamespace;
}

/** The other end of the master, which lies on the container's own devpts, without looking for it by a path. `uid`: the host's. */
function takePeer(program: Program, uid: number): void {
  const slave = openPeer(program, TERMINAL);
  takeTerminal(program, slave, uid);
  program.close(TERMINAL);
}
