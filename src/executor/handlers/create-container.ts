import type { HostOp } from '../../host/op.ts';
import { createSandbox } from '../../network/endpoint.ts';
import { hostsOf } from '../../network/network-owner.ts';
import { containerFile } from '../../store/description.ts';
import { cgroupName, containerPaths, exitDirectory } from '../../store/paths.ts';
import { writeFiles } from '../container-files.ts';
import type { ExecutorContext } from '../context.ts';
import { deviceAccess } from '../devices.ts';
import type { Handler, StepOf } from '../handler.ts';
import { resolvConfOf } from '../resolv-conf.ts';
import { sandboxOptions } from '../sandbox.ts';

/** Makes everything but the process: directory, cgroups, network namespace with its endpoints, name files. */
export const createContainerHandler: Handler<'create-container'> = {
  before({ spec, endpoints, ports, role }, context) {
    context.records.containers.put({
      key: spec.key,
      spec,
      endpoints,
      ports,
      ...(role !== undefined && { role }),
      createdAtMs: context.now(),
      run: 0,
      oomKilled: false,
      oomKillsBefore: 0,
      stoppedByUser: false,
      restarts: 0,
    });
  },

  operations(step, context) {
    const { spec, endpoints } = step;
    const { cgroups } = context;
    const ownNamespace = spec.networkMode.type === 'networks' || spec.networkMode.type === 'none';
    return [
      ...containerFiles(step, context),
      ...writeFiles(context, spec),
      ...cgroups.create(cgroupName(spec.key), spec.resources, deviceAccess(spec)),
      ...(ownNamespace ? createSandbox(spec.key, endpoints, sandboxOptions(context.host, spec)) : []),
    ];
  },

  after({ spec, address }, { emit }) {
    emit({ stack: spec.key.stack, address, event: 'create' });
  },
};

function containerFiles(step: StepOf<'create-container'>, context: ExecutorContext): readonly HostOp[] {
  const { paths } = context;
  const { spec, endpoints, ports, role } = step;
  const files = containerPaths(paths, spec.key);
  return [
    { op: 'mkdir', path: exitDirectory(paths), mode: 0o700 },
    { op: 'mkdir', path: files.directory, mode: 0o700 },
    {
      op: 'write-file',
      path: containerFile(paths, spec.key),
      data: JSON.stringify({ spec, endpoints, ports, role }),
      mode: 0o600,
    },
    { op: 'write-file', path: files.hostname, data: `${spec.hostname}\n` },
    { op: 'write-file', path: files.resolvConf, data: resolvConfOf(context, spec, endpoints) },
    { op: 'write-file', path: files.hosts, data: hostsOf(context, spec, endpoints) },
    { op: 'write-file', path: files.log, data: '', mode: 0o600 },
  ];
}
