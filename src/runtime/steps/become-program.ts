import type { ContainerSpec } from '../../model/container.ts';
import type { Program } from '../launcher/program.ts';
import { refuseFilter } from '../seccomp/refused-step.ts';
import { becomeProcess, type Execution, executeProgram, type ProcessConfig, stayAsInit } from './process.ts';

export interface BecomeConfig extends ProcessConfig {
  readonly spec: Pick<ContainerSpec, 'security' | 'ulimits' | 'init'>;
}

/**
 * The last steps of pid 1: limits, ids, capabilities, filter, the init where one is wanted, the program. Throws
 * `launch-failed` when the filter would not let them pass.
 */
export function becomeProgram(program: Program, config: BecomeConfig, execution: Execution): void {
  becomeProcess(program, config, 'nothing');
  if (config.spec.init) stayAsInit(program);
  executeProgram(program, execution);
  refuseOwn(program, config);
}

/** The last steps of what is executed beside pid 1; it ends with who started it. Throws as `becomeProgram()`. */
export function becomeBeside(program: Program, config: ProcessConfig, execution: Execution): void {
  becomeProcess(program, config, 'kill');
  executeProgram(program, execution);
  refuseOwn(program, config);
}

function refuseOwn({ calls }: Program, { filter, kernel, spec }: ProcessConfig): void {
  refuseFilter(calls, { filter, profile: spec.security.seccomp, arch: kernel.arch });
}
