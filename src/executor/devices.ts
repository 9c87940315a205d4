import { deviceRules } from '../cgroup/device-rules.ts';
import type { DeviceAccess } from '../cgroup/interface.ts';
import type { HostOp } from '../host/op.ts';
import { stableJson } from '../lib/stable-json.ts';
import type { ContainerSpec } from '../model/container.ts';
import { type DeviceProgram, deviceProgram } from '../runtime/device-program.ts';
import { cgroupName, containerPaths } from '../store/paths.ts';
import type { MachineContext } from './context.ts';

type Context = Pick<MachineContext, 'host' | 'paths' | 'cgroups' | 'kernel'>;

/** Which devices a container may use. */
export function deviceAccess({ security, resources }: ContainerSpec): DeviceAccess {
  if (security.privileged) return 'all';
  const { deviceRules: rules } = resources;
  return { devices: security.devices, ...(rules !== undefined && { rules }) };
}

/** What a container's launcher loads on cgroup v2; undefined: nothing. Throws `not-found` for what is no device. */
export function deviceProgramOf({ host, cgroups, kernel }: Context, spec: ContainerSpec): DeviceProgram | undefined {
  const cgroup = cgroups.deviceProgramDirectory(cgroupName(spec.key));
  if (cgroup === undefined || kernel.devicePrograms !== true) return undefined;
  const rules = deviceRules(host, deviceAccess(spec));
  if (rules !== 'all') return { cgroup, rules };
  // An OCI runtime attaches a program for that, too, which would be in the way of another one later.
  return spec.runtime === undefined ? undefined : { cgroup, rules: EVERYTHING };
}

/** Changes which devices a container may use whose cgroup is there. */
export function deviceOperations(context: Context, before: ContainerSpec, spec: ContainerSpec): readonly HostOp[] {
  const [had, wanted] = [deviceAccess(before), deviceAccess(spec)];
  if (stableJson(had) === stableJson(wanted)) return [];
  const { host, cgroups, kernel, paths } = context;
  const directory = cgroups.deviceProgramDirectory(cgroupName(spec.key));
  if (directory === undefined) return cgroups.updateDevices(cgroupName(spec.key), had, wanted);
  if (kernel.devicePrograms !== true) return [];
  const rules = deviceRules(host, wanted);
  const program = { cgroup: directory, rules: rules === 'all' ? EVERYTHING : rules };
  const path = `${containerPaths(paths, spec.key).directory}/devices`;
  return [
    { op: 'write-file', path, data: deviceProgram(kernel, program), mode: 0o700 },
    { op: 'run', argv: [path] },
    { op: 'remove', path },
  ];
}

/** There may be a program already, which is replaced. */
const EVERYTHING = (['block', 'char'] as const).map((type) => ({
  type,
  major: '*' as const,
  minor: '*' as const,
  permissions: 'rwm',
}));
