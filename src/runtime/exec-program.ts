import { containerCapabilities } from './capabilities.ts';
import type { ExecConfig } from './config.ts';
import { containerEnvironment } from './environment.ts';
import { containerLabels, type Label } from './labels.ts';
import {
  AT_FDCWD,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUTS,
  O_RDONLY,
  PR_SET_CHILD_SUBREAPER,
  SIGCHLD,
} from './launcher/constants.ts';
import type { Call, Program } from './launcher/program.ts';
import { containerFilter } from './seccomp/filter.ts';
import { becomeBeside } from './steps/become-program.ts';
import { beginExec, execSecurity, takePeer } from './steps/exec.ts';
import { hideProcess } from './steps/join.ts';
import { joinSessionKeyring, resetSignals, setLabels, setOomScore } from './steps/process.ts';
import { hostIdBase } from './user-namespace.ts';

/** The launcher of an exec: it begins in the host's namespaces and the container's cgroups, with the descriptors of `beginExec()`. */
export function execProgram(config: ExecConfig): readonly Call[] {
  const { spec, identity, kernel, env, tty } = config;
  const idBase = hostIdBase(spec, kernel, identity) ?? 0;
  const program = beginExec(config);
  hideProcess(program);
  resetSignals(program);
  joinSessionKeyring(program);
  setOomScore(program, spec.resources.oomScoreAdj);
  const userNamespace = enterContainer(program, config, containerLabels(spec, kernel));
  if (config.keepsOrphans === true) {
    program.call('prctl', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'be the parent of what its children leave behind');
  }
  program.call('setsid', [], 'begin a session');
  if (tty) takePeer(program, idBase + identity.uid);
  const security = execSecurity(config);
  const capabilities = containerCapabilities(security, kernel);
  const { seccompProfile } = config;
  const filter = containerFilter({ security, kernel, capabilities, seccompProfile });
  const process = { spec, kernel, identity, capabilities, filter, workingDir: config.workingDir, userNamespace };
  becomeBeside(program, process, { argv: config.argv, env: containerEnvironment(env, spec, { identity, tty }) });
  return program.calls;
}

/**
 * All namespace files are opened while the host's /proc is there. Entering a pid namespace is for children only, so
 * there is a fork; the parent stays outside, holding nothing but the standard descriptors. Gives the descriptor of the
 * user namespace, which is entered later.
 */
function enterContainer(program: Program, { spec, pid }: ExecConfig, labels: readonly Label[]): number | undefined {
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
  if (spec.namespaces.pid !== 'host') {
    const file = open('pid');
    program.call('setns', [file, CLONE_NEWPID], 'have children in namespace pid');
    program.close(file);
  }
  program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'go on in a child, wait for it', { fork: 'wait' });
  setLabels(program, labels);
  for (const { name, flag, file } of namespaces) {
    program.call('setns', [file, flag], `enter namespace ${name}`);
    program.close(file);
  }
  return userNamespace;
}
