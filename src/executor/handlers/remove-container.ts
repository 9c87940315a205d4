import { machineName } from '../../model/address.ts';
import { removeSandbox } from '../../network/endpoint.ts';
import { cgroupName, containerPaths } from '../../store/paths.ts';
import { rememberFiles, removeFiles } from '../container-files.ts';
import type { Handler } from '../handler.ts';
import { closeToHost } from '../sandbox.ts';

export const removeContainerHandler: Handler<'remove-container'> = {
  async before({ spec }, context) {
    await context.control.forget(spec.key);
    rememberFiles(context, spec);
  },
  operations({ spec, endpoints, ports }, { cgroups, paths, records }) {
    const files = containerPaths(paths, spec.key);
    const role = records.container(spec.key)?.role;
    const ownNamespace = spec.networkMode.type === 'networks' || spec.networkMode.type === 'none';
    return [
      ...closeToHost({ spec, endpoints, ports, ...(role !== undefined && { role }) }),
      ...(ownNamespace ? removeSandbox(spec.key) : []),
      ...cgroups.remove(cgroupName(spec.key)),
      ...removeFiles(paths, spec),
      { op: 'remove', path: files.exit },
      { op: 'remove', path: files.directory },
    ];
  },
  after({ spec, address }, { records, emit }) {
    // It is named by its record.
    emit({ stack: spec.key.stack, address, event: 'remove' });
    records.containers.delete(machineName(spec.key));
  },
};
