import type { HostOp } from '../../host/op.ts';
import { livingProcess } from '../../host/process.ts';
import { parseSignal } from '../../lib/signal-number.ts';
import { stableJson } from '../../lib/stable-json.ts';
import type { Endpoint } from '../../model/container.ts';
import { withLive } from '../../model/live.ts';
import { connectEndpoint, disconnectEndpoint, moveDefaultRoutes, repairSandbox } from '../../network/endpoint.ts';
import { inspectNetwork } from '../../network/inspect.ts';
import { hostsOf } from '../../network/network-owner.ts';
import { clearStalePorts, publishPorts, unpublishPorts } from '../../network/ports.ts';
import { reshapeEndpoints, shapeEndpoints } from '../../network/shaped-links.ts';
import { containerFile } from '../../store/description.ts';
import { cgroupName, containerPaths } from '../../store/paths.ts';
import { joinCgroups, nameNamespace } from '../adopt-process.ts';
import { rememberFiles, rewriteFiles } from '../container-files.ts';
import type { ExecutorContext } from '../context.ts';
import { performCuts } from '../cuts.ts';
import { deviceAccess, deviceOperations } from '../devices.ts';
import type { Handler, StepOf } from '../handler.ts';
import { resolvConfOf } from '../resolv-conf.ts';
import { closeToHost, type Exposure, openToHost, sandboxOptions } from '../sandbox.ts';
import { thawOperations } from '../thaw.ts';

type Update = StepOf<'update-container'>;

/** Changes a container in place: limits, ports, networks, names; its process goes on. */
export const updateContainerHandler: Handler<'update-container'> = {
  before({ before }, context) {
    rememberFiles(context, before);
  },
  async operations(step, context) {
    const { host, paths } = context;
    const { spec, endpoints, ports } = step;
    const files = containerPaths(paths, spec.key);
    const resolv = resolvConfOf(context, spec, endpoints);
    return [
      ...resourceOperations(step, context),
      ...(await staleOperations(step, context)),
      ...networkOperations(step, context),
      ...(host.readText(files.resolvConf) === resolv
        ? []
        : [{ op: 'write-in-place' as const, path: files.resolvConf, data: resolv }]),
      ...hostsOperations(step, context),
      ...rewriteFiles(context, step.before, spec),
      ...signalOperations(step, context),
      {
        op: 'write-file',
        path: containerFile(paths, spec.key),
        data: JSON.stringify({ spec, endpoints, ports }),
        mode: 0o600,
      },
    ];
  },
  async after({ spec, endpoints, ports, address, fields }, { host, records, control, emit }) {
    records.updateContainer(spec.key, { spec, endpoints, ports });
    // Its links may be others now, or somebody has taken away what cut them off.
    if (records.container(spec.key)?.live?.cuts !== undefined) await performCuts(host, records);
    control.changed(spec.key);
    emit({ stack: spec.key.stack, address, event: 'update', detail: fields.map(({ field }) => field).join(', ') });
  },
};

/** One that has ended meanwhile reads its files when it starts. */
function signalOperations({ spec, signals = [] }: Update, { host, paths }: ExecutorContext): readonly HostOp[] {
  const init = livingProcess(host, containerPaths(paths, spec.key).init);
  if (init === undefined) return [];
  const { pid, startTime } = init;
  return signals.flatMap((name) => {
    const signal = parseSignal(name);
    return signal === undefined ? [] : { op: 'kill', pid, startTime, signal };
  });
}

function resourceOperations({ before, spec, repair }: Update, context: ExecutorContext): readonly HostOp[] {
  const { cgroups } = context;
  const name = cgroupName(spec.key);
  const changed = stableJson(before.resources) !== stableJson(spec.resources);
  const again = repair.includes('resources');
  const limits = cgroups.exists(name)
    ? changed || again
      ? cgroups.update(name, before.resources, spec.resources)
      : []
    : cgroups.create(name, spec.resources, deviceAccess(spec));
  return [
    ...limits,
    ...(cgroups.exists(name) ? deviceOperations(context, before, spec) : []),
    ...(again ? joinCgroups(context, spec.key) : []),
    ...(repair.includes('frozen') ? thawOperations(context, name) : []),
  ];
}

/** The other containers' are written when the plan is done. */
function hostsOperations({ spec, endpoints, repair }: Update, context: ExecutorContext): readonly HostOp[] {
  const path = containerPaths(context.paths, spec.key).hosts;
  if (!repair.includes('names') || context.host.readText(path) === undefined) return [];
  return [{ op: 'write-in-place', path, data: hostsOf(context, spec, endpoints) }];
}

/** What a crash or somebody else left on our ports would refuse to be overwritten. */
async function staleOperations(
  { repair, ports, endpoints }: Update,
  { host }: ExecutorContext,
): Promise<readonly HostOp[]> {
  if (!repair.includes('ports')) return [];
  return clearStalePorts((await inspectNetwork(host)).publishedPorts, ports, endpoints);
}

/** Ports are taken away before what they lead to and given after it; only where anything of the network differs. */
function networkOperations(step: Update, context: ExecutorContext): readonly HostOp[] {
  const { spec, endpoints, ports, repair } = step;
  const { key } = spec;
  const options = sandboxOptions(context.host, spec);
  const record = context.records.container(key);
  const had = step.had ?? record;
  const before = {
    spec: record?.spec ?? spec,
    endpoints: withLive(had?.endpoints ?? [], record?.live),
    ports: had?.ports ?? [],
  };
  const after = { spec, endpoints: withLive(endpoints, record?.live), ports };
  const opens = context.control.runs(key);
  const touched = repair.includes('network') || repair.includes('ports');
  const reshaped = [
    ...reshapeEndpoints(key, before.endpoints, after.endpoints, options),
    ...(repair.includes('shape') ? shapeEndpoints(key, after.endpoints, options) : []),
  ];
  if (!touched && wiring(before) === wiring(after)) return [...reshaped, ...portOperations(before, after, opens)];
  const again = repair.includes('network');
  const left = without(before.endpoints, after.endpoints, wire);
  const joined = again ? [] : without(after.endpoints, before.endpoints, wire);
  const stayed = without(after.endpoints, joined, wire);
  return [
    ...closeToHost(before),
    ...left.flatMap((endpoint) => disconnectEndpoint(key, endpoint)),
    ...(again ? [...nameNamespace(context, key), ...repairSandbox(key, after.endpoints, options)] : []),
    ...joined.flatMap((endpoint) => connectEndpoint(key, endpoint, options)),
    ...moveDefaultRoutes(key, without(before.endpoints, left, wire), stayed),
    ...reshaped,
    // A container that does not run keeps no port.
    ...(opens ? openToHost(after) : []),
  ];
}

/** A port that stays is not touched: its connections go on. */
function portOperations(before: Exposure, after: Exposure, opens: boolean): readonly HostOp[] {
  const { key } = after.spec;
  const gone = without(before.ports, after.ports, stableJson);
  const added = opens ? without(after.ports, before.ports, stableJson) : [];
  return [...unpublishPorts(key, gone, before.endpoints), ...publishPorts(key, added, after.endpoints)];
}

function wiring({ spec, endpoints }: Exposure): string {
  const routes = endpoints.map(({ gateway4, gateway6 }) => [gateway4, gateway6]);
  return stableJson([endpoints.map(wire), routes, spec.extraHosts]);
}

/** What of an endpoint is its link: names are in hosts files, a default route moves and a shape changes without it. */
function wire({
  byHand: _byHand,
  gateway4: _gateway4,
  gateway6: _gateway6,
  shape: _shape,
  ...endpoint
}: Endpoint): string {
  return stableJson({ ...endpoint, names: [] });
}

function without<Item>(
  items: readonly Item[],
  others: readonly Item[],
  identity: (item: Item) => string,
): readonly Item[] {
  const known = new Set(others.map(identity));
  return items.filter((item) => !known.has(identity(item)));
}
