import type { SupervisorHost } from '../host/host.ts';
import type { KernelFacts } from './kernel-facts.ts';
import { LAST_DESCRIPTOR } from './launcher/constants.ts';
import { assembleElf } from './launcher/elf.ts';
import { Program } from './launcher/program.ts';
import { type DeviceProgram, limitDevices, loadDeviceProgram, takeOverDevices } from './steps/devices.ts';

export type { DeviceProgram } from './steps/devices.ts';

const STDERR = 2;
const PROBE = { timeoutMs: 5000, outputLimitBytes: 64 };

/** A static program that gives a cgroup that is there other rules for devices, and ends. */
export function deviceProgram(kernel: Pick<KernelFacts, 'arch'>, devices: DeviceProgram): Uint8Array {
  return limiting(kernel, (program) => limitDevices(program, devices));
}

/** The same, in place of a program that an OCI runtime has attached. */
export function runtimeDeviceProgram(kernel: Pick<KernelFacts, 'arch'>, devices: DeviceProgram): Uint8Array {
  return limiting(kernel, (program) => takeOverDevices(program, devices));
}

function limiting(kernel: Pick<KernelFacts, 'arch'>, limit: (program: Program) => void): Uint8Array {
  const program = new Program([0, 1, 2]);
  program.call('close_range', [3, LAST_DESCRIPTOR, 0], 'close everything beyond');
  limit(program);
  return finish(kernel, program);
}

/**
 * With whether device programs can be loaded, which takes capabilities in the first user namespace and a kernel with them:
 * looked at by loading one. cgroup v1 does without.
 */
export async function withDevicePrograms(
  host: Pick<SupervisorHost, 'probe'>,
  kernel: KernelFacts,
): Promise<KernelFacts> {
  if (kernel.cgroupVersion !== 2) return kernel;
  const program = new Program([0, 1, 2, 3]);
  loadDeviceProgram(program, []);
  const launcher = finish(kernel, program);
  const { exitCode } = await host.probe(['/proc/self/fd/3'], launcher, PROBE);
  return exitCode === 0 ? { ...kernel, devicePrograms: true } : kernel;
}

function finish({ arch }: Pick<KernelFacts, 'arch'>, program: Program): Uint8Array {
  program.call('exit_group', [0], 'end', { executes: true });
  return assembleElf(arch, program.calls, STDERR);
}
