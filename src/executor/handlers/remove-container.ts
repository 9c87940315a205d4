import { machineName } from '../../model/address.ts';
import { withLive } from '../../model/live.ts';
import { removeSandbox } from '../../network/endpoint.ts';
import { cgroupName, containerPaths } from '../../store/paths.ts';
import { rememberFiles, removeFiles } from '../container-files.ts';
import { forgetCuts } from '../cuts.ts';
import type { Handler } from '../handler.ts';
import { closeToHost } from '../sandbox.ts';

export const removeContainerHandler: Handler<'remove-container'> = {
  async before({ spec }, context) {
    await context.control.forget(spec.key);
    rememberFiles(context, spec);
  },
  operations({ spec, endpoints, ports }, { cgroups, paths, records }) {
    const files = containerPaths(paths, spec.key);
    const { role, live } = records.container(spec.key) ?? {};
    const ownNamespace = spec.networkMode.type === 'networks' || spec.networkMode.type === 'none';
    return [
      ...closeToHost({ spec, endpoints, ports, ...(role !== undefined && { role }) }),
      ...(ownNamespace ? removeSandbox(spec.key, withLive(endpoints, live)) : []),
      ...cgroups.remove(cgroupName(spec.key)),
      ...removeFiles(paths, spec),
      { op: 'remove', path: files.exit },
      { op: 'remove', path: files.directory },
    ];
  },
  async after({ spec, address }, { host, records, emit }) {
    // It is named by its record.
    emit({ stack: spec.key.stack, address, event: 'remove' });
    await forgetCuts(host, records, spec.key);
    records.containers.delete(machineName(spec.key));
  },
};
