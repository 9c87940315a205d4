import type { HostOp } from '../../host/op.ts';
import { stableJson } from '../../lib/stable-json.ts';
import type { Endpoint, PublishedPort } from '../../model/container.ts';
import { connectEndpoint, createSandbox, disconnectEndpoint } from '../../network/endpoint.ts';
import { resolvConf } from '../../network/names.ts';
import { publishPorts, unpublishPorts } from '../../network/ports.ts';
import { containerFile } from '../../store/description.ts';
import { cgroupName, containerPaths } from '../../store/paths.ts';
import type { ExecutorContext } from '../context.ts';
import type { Handler, StepOf } from '../handler.ts';

type Update = StepOf<'update-container'>;

/** Changes a container in place: limits, ports, networks, names; its process goes on. */
export const updateContainerHandler: Handler<'update-container'> = {
  operations(step, context) {
    const { host, paths } = context;
    const { spec, endpoints, ports } = step;
    const files = containerPaths(paths, spec.key);
    const resolv = resolvConf(spec, host.readText('/etc/resolv.conf') ?? '');
    return [
      ...resourceOperations(step, context),
      ...networkOperations(step, context),
      ...(host.readText(files.resolvConf) === resolv
        ? []
        : [{ op: 'write-in-place' as const, path: files.resolvConf, data: resolv }]),
      {
        op: 'write-file',
        path: containerFile(paths, spec.key),
        data: JSON.stringify({ spec, endpoints, ports }),
        mode: 0o600,
      },
    ];
  },
  after({ spec, endpoints, ports, address, fields }, { records, control, emit }) {
    records.updateContainer(spec.key, { spec, endpoints, ports });
    control.changed(spec.key);
    emit({ stack: spec.key.stack, address, event: 'update', detail: fields.map(({ field }) => field).join(', ') });
  },
};

function resourceOperations({ before, spec, repair }: Update, { cgroups }: ExecutorContext): readonly HostOp[] {
  const name = cgroupName(spec.key);
  const missing = !cgroups.exists(name);
  if (missing) return cgroups.create(name, spec.resources, spec.security.privileged ? 'all' : spec.security.devices);
  const changed = stableJson(before.resources) !== stableJson(spec.resources);
  return changed || repair.includes('resources') ? cgroups.update(name, before.resources, spec.resources) : [];
}

function networkOperations(step: Update, { records }: ExecutorContext): readonly HostOp[] {
  const { spec, endpoints, ports, repair } = step;
  const { key } = spec;
  const { endpoints: had, ports: hadPorts } = step.had ?? records.container(key) ?? { endpoints: [], ports: [] };
  const left = without(had, endpoints, wire);
  const joined = repair.includes('network') ? [] : without(endpoints, had, wire);
  const endpointsChanged = left.length + joined.length > 0;
  const again = endpointsChanged || repair.length > 0;
  const gone = again ? hadPorts : without(hadPorts, ports, stableJson);
  const added = again ? ports : without(ports, hadPorts, stableJson);
  return [
    ...unpublishPorts(key, gone, had),
    ...left.flatMap((endpoint) => disconnectEndpoint(key, endpoint)),
    ...(repair.includes('network') ? createSandbox(key, endpoints) : []),
    ...joined.flatMap((endpoint) => connectEndpoint(key, endpoint)),
    ...publishPorts(key, added, endpoints),
  ];
}

/** What of an endpoint is in the kernel: the names are in hosts files only. */
function wire(endpoint: Endpoint): string {
  return stableJson({ ...endpoint, names: [] });
}

function without<Item extends Endpoint | PublishedPort>(
  items: readonly Item[],
  others: readonly Item[],
  identity: (item: Item) => string,
): readonly Item[] {
  const known = new Set(others.map(identity));
  return items.filter((item) => !known.has(identity(item)));
}
