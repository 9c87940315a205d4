import type { HostOp } from '../../host/op.ts';
import type { ContainerSpec } from '../../model/container.ts';
import { inspectNetwork } from '../../network/inspect.ts';
import { switchPorts } from '../../network/ports.ts';
import { containerFile } from '../../store/description.ts';
import type { ExecutorContext } from '../context.ts';
import type { Handler } from '../handler.ts';
import { refreshHosts } from '../hosts.ts';

/**
 * Records first: after a crash in between, the next plan sees that ports lead to the container that is retired, mends
 * that and ends it. Until then that one goes on answering.
 */
export const switchContainerHandler: Handler<'switch-container'> = {
  before({ spec, before }, { records }) {
    records.updateContainer(spec.key, { role: undefined });
    records.updateContainer(before.key, { role: 'retired' });
  },
  async operations({ spec, before }, context) {
    const { host, records } = context;
    const nobody = { ports: [], endpoints: [] };
    const { publishedPorts } = await inspectNetwork(host);
    return [
      ...switchPorts(publishedPorts, records.container(before.key) ?? nobody, records.container(spec.key) ?? nobody),
      ...describe(context, spec),
      ...describe(context, before),
    ];
  },
  async after({ spec, address }, context) {
    await Promise.all([context.host.perform(refreshHosts(context, spec.key.stack)), context.serving?.update()]);
    context.emit({ stack: spec.key.stack, address, event: 'update', detail: 'the new container has taken over' });
  },
};

function describe({ paths, records }: ExecutorContext, { key }: ContainerSpec): readonly HostOp[] {
  const record = records.container(key);
  if (record === undefined) return [];
  const { spec, endpoints, ports, role } = record;
  const data = JSON.stringify({ spec, endpoints, ports, ...(role !== undefined && { role }) });
  return [{ op: 'write-file', path: containerFile(paths, key), data, mode: 0o600 }];
}
