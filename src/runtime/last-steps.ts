import type { ContainerSpec } from '../model/container.ts';
import { containerCapabilities } from './capabilities.ts';
import type { KernelFacts } from './kernel-facts.ts';
import { Program } from './launcher/program.ts';
import { containerFilter } from './seccomp/filter.ts';
import { becomeProgram } from './steps/become-program.ts';

type Wanted = Pick<ContainerSpec, 'security' | 'ulimits' | 'init' | 'runtime'>;

const ANYBODY = { uid: 0, gid: 0, groups: [], home: '/' };

/**
 * Whether a seccomp profile can be used and lets a container be started, as far as that is known before there is an image.
 * `seccompProfile`: its text. Throws `launch-failed`.
 */
export function checkLastSteps(wanted: Wanted, kernel: KernelFacts, seccompProfile: string | undefined): void {
  const { security } = wanted;
  const capabilities = containerCapabilities(security, kernel);
  const filter = containerFilter({ security, kernel, capabilities, seccompProfile });
  // Another runtime does other last steps.
  if (filter === undefined || wanted.runtime !== undefined) return;
  const config = { spec: wanted, kernel, identity: ANYBODY, capabilities, filter, workingDir: '/' };
  becomeProgram(new Program([0, 1, 2]), { ...config, userNamespace: undefined }, { argv: ['/'], env: {} });
}
