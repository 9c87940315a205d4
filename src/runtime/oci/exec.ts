import { DEFAULT_PATH } from '../../model/default-path.ts';
import type { ContainerPaths } from '../../store/paths.ts';
import type { ExecConfig } from '../config.ts';
import { PR_SET_PDEATHSIG, SIGCHLD, SIGKILL } from '../launcher/constants.ts';
import type { Call } from '../launcher/program.ts';
import { beginExec, execSecurity, takePeer } from '../steps/exec.ts';
import { executeProgram, resetSignals } from '../steps/process.ts';
import { bundlePaths, containerId } from './bundle.ts';
import { configText } from './config.ts';
import { ociProcess } from './process.ts';

/** The runtime of a container that has a kernel of its own, and whose it is. */
export interface RuntimeExec {
  /** Absolute path. */
  readonly program: string;
  readonly paths: Pick<ContainerPaths, 'directory'>;
}

/**
 * The launcher of an exec where only the runtime can enter: it stays in the host's namespaces, waits, and ends as its child
 * does, which becomes `RUNTIME exec`. What is to be executed is in a file that only exists in memory: neither the command
 * nor the environment is in an argv or on a disk. Descriptors as of the launcher of any exec; a terminal (4) is one of the
 * host's, which the runtime copies to and from one inside.
 */
export function runtimeExecProgram(config: ExecConfig, { program: path, paths }: RuntimeExec): readonly Call[] {
  const { spec, tty } = config;
  const text = configText(ociProcess({ ...config, security: execSecurity(config) }));
  const program = beginExec(config);
  resetSignals(program);
  const file = program.open('memfd_create', ['process', 0], 'make a file in memory');
  program.call('write', [file, text, Buffer.byteLength(text)], 'write into it what to execute');
  program.call('clone', [SIGCHLD, 0, 0, 0, 0], 'go on in a child, wait for it', { fork: 'wait' });
  program.call('prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], 'end when the parent ends');
  program.call('setsid', [], 'begin a session');
  if (tty) takePeer(program, 0);
  const state = bundlePaths(paths).state;
  const argv = [path, '--root', state, 'exec', '--process', `/proc/self/fd/${file}`, containerId(spec)];
  executeProgram(program, { argv, env: { PATH: DEFAULT_PATH } });
  return program.calls;
}
