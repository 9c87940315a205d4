import type { HostOp } from '../host/op.ts';
import { imageDirectories, imageLayers, imageName, readRootFile, rootFilesystem } from '../image/image.ts';
import type { Address, ContainerKey } from '../model/address.ts';
import type { ContainerMount, ContainerSpec, Endpoint } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { RootFilesystem } from '../model/image.ts';
import type { RunEnd } from '../model/observed.ts';
import { preStartReplica } from '../model/pre-start.ts';
import { networkOwner } from '../network/network-owner.ts';
import { readMaskedPaths } from '../runtime/kernel-facts.ts';
import {
  buildLaunch,
  explainLaunchFailure,
  type Launch,
  type LaunchConfig,
  type NetworkNamespace,
  type ResolvedMount,
} from '../runtime/launch.ts';
import { configText } from '../runtime/oci/config.ts';
import { ociConfig } from '../runtime/oci/spec.ts';
import { resolveUser } from '../runtime/user.ts';
import { buildView, type View } from '../runtime/view.ts';
import { runFile } from '../store/description.ts';
import { cgroupName, containerPaths, netnsPath, volumeData } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { fileMounts } from './container-files.ts';
import type { MachineContext } from './context.ts';
import { deviceProgramOf } from './devices.ts';
import { namespaceHolders } from './holders.ts';
import { sourceOperations } from './mount-sources.ts';
import { bundleOperations, ociFacts, runtimeMessage } from './oci.ts';
import { openToHost } from './sandbox.ts';
import { keepProfile, seccompProfile } from './seccomp-profile.ts';
import { thawOperations } from './thaw.ts';

const LAUNCH_TIMEOUT_MS = 30_000;

/** Notes that a new run begins, before it does: a crash in between is then seen as a run that ended. */
export function recordStart(context: MachineContext, key: ContainerKey, by: 'user' | 'policy'): void {
  const { host, paths, records, bootId, now, cgroups } = context;
  const record = records.container(key);
  if (record === undefined) return;
  records.updateContainer(key, {
    ...(by === 'user' ? FRESH : { restarts: record.restarts + 1, attempts: (record.attempts ?? 0) + 1 }),
    ...(record.finishedAtMs !== undefined && { lastEnd: endOf(record, record.finishedAtMs) }),
    run: record.run + 1,
    logOffset: host.stat(containerPaths(paths, key).log)?.sizeBytes ?? 0,
    startedAtMs: now(),
    finishedAtMs: undefined,
    ending: undefined,
    exitCode: undefined,
    oomKilled: false,
    oomKillsBefore: cgroups.oomKills(cgroupName(key)),
    stoppedByUser: false,
    pausedByUser: undefined,
    bootId,
  });
}

/** A start by the user begins all counts anew. */
const FRESH = { restarts: 0, attempts: undefined, failedAttempts: undefined, lastEnd: undefined };

function endOf({ exitCode, oomKilled }: ContainerRecord, finishedAtMs: number): RunEnd {
  return { finishedAtMs, oomKilled, ...(exitCode !== undefined && { exitCode }) };
}

/** The operations that start a container which has been made: files of the launch, published ports, the launch itself. */
export async function startOperations(context: MachineContext, spec: ContainerSpec): Promise<readonly HostOp[]> {
  const files = containerPaths(context.paths, spec.key);
  const rootfs = await rootFilesystem(context, spec.image.source, spec.image.id);
  const launch = prepareLaunch(context, spec, rootfs);
  const record = context.records.container(spec.key);
  return [
    ...sourceOperations(context, spec, rootfs),
    ...launch.directories.map(overlayDirectory),
    ...bundleOperations(launch),
    { op: 'remove', path: files.init },
    { op: 'remove', path: files.chain },
    { op: 'remove', path: files.exit },
    { op: 'write-file', path: runFile(context.paths, spec.key), data: JSON.stringify(runOf(record)), mode: 0o600 },
    { op: 'write-file', path: files.launchScript, data: launch.script, mode: 0o700 },
    keepProfile(files, seccompProfile(context.host, spec.security)),
    { op: 'write-file', path: files.launcher, data: launch.launcher, mode: 0o700 },
    ...(launch.streams === undefined
      ? []
      : [{ op: 'write-file' as const, path: files.streams, data: launch.streams, mode: 0o700 }]),
    ...thawOperations(context, cgroupName(spec.key)),
    ...openToHost({ ...roleOf(record), spec, endpoints: endpointsFor(context, spec), ports: record?.ports ?? [] }),
    { op: 'launch', script: files.launchScript, timeoutMs: LAUNCH_TIMEOUT_MS },
  ];
}

/** What shows the files of a container that does not run, after everything that it mounts has been made. */
export async function prepareView(context: MachineContext, spec: ContainerSpec): Promise<View> {
  const rootfs = await rootFilesystem(context, spec.image.source, spec.image.id);
  const view = buildView(launchConfig(context, spec, rootfs));
  await context.host.perform([...sourceOperations(context, spec, rootfs), ...view.directories.map(overlayDirectory)]);
  return view;
}

function overlayDirectory(path: string): HostOp {
  return { op: 'mkdir', path, mode: 0o755 };
}

/** A `pre_start` container is in the network namespace of its replica, which has the ways to the host from here on. */
function endpointsFor({ records }: MachineContext, spec: ContainerSpec): readonly Endpoint[] {
  return records.container(preStartReplica(spec) ?? spec.key)?.endpoints ?? [];
}

function roleOf(record: ContainerRecord | undefined): Pick<ContainerRecord, 'role'> {
  return record?.role === undefined ? {} : { role: record.role };
}

function runOf(record: ContainerRecord | undefined): Partial<ContainerRecord> {
  const { run = 1, startedAtMs, bootId, logOffset } = record ?? {};
  return {
    run,
    ...(logOffset !== undefined && { logOffset }),
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(bootId !== undefined && { bootId }),
  };
}

/** The launch of a container whose image is unpacked. */
export function prepareLaunch(context: MachineContext, spec: ContainerSpec, rootfs: RootFilesystem): Launch {
  const config = launchConfig(context, spec, rootfs);
  const holders = namespaceHolders(context, spec);
  return buildLaunch(holders === undefined ? config : { ...config, holders });
}

/** The config.json of a container, whatever starts it. */
export function ociSpecText(context: MachineContext, spec: ContainerSpec, rootfs: RootFilesystem): string {
  const config = launchConfig(context, spec, rootfs);
  return configText(ociConfig({ ...config, oci: config.oci ?? ociFacts(context.host, spec) }));
}

function launchConfig(context: MachineContext, spec: ContainerSpec, rootfs: RootFilesystem): LaunchConfig {
  const { host, paths, cgroups, kernel, records } = context;
  const files = containerPaths(paths, spec.key);
  const passwd = readRootFile(host, rootfs, files.layers, '/etc/passwd') ?? '';
  const group = readRootFile(host, rootfs, files.layers, '/etc/group') ?? '';
  const profile = seccompProfile(context.host, spec.security);
  const devices = deviceProgramOf(context, spec);
  return {
    spec,
    run: records.container(spec.key)?.run ?? 1,
    rootfs,
    mounts: [...spec.mounts.map((mount) => resolveMount(context, mount, spec.key)), ...fileMounts(paths, spec)],
    identity: resolveUser(spec.user, spec.groupAdd, { passwd, group, image: imageName(spec.image.source) }),
    paths: files,
    network: networkNamespace(context, spec),
    cgroupJoinFiles: cgroups.joinFiles(cgroupName(spec.key)),
    ...(devices !== undefined && { devices }),
    kernel: { ...kernel, maskedPaths: readMaskedPaths(host) },
    ...(profile !== undefined && { seccompProfile: profile }),
    ...(spec.runtime !== undefined && { oci: ociFacts(host, spec) }),
  };
}

function networkNamespace(context: MachineContext, spec: ContainerSpec): NetworkNamespace {
  const { networkMode, key } = spec;
  switch (networkMode.type) {
    case 'host':
      return { type: 'host' };
    case 'service':
    case 'container': {
      const owner = networkOwner(context, spec);
      if (owner !== undefined) return networkNamespace(context, owner.spec);
      const wanted =
        networkMode.type === 'service' ? `of service "${networkMode.service}"` : `"${networkMode.container}"`;
      throw new TsstackError('not-found', `There is no container ${wanted} to share the network of`, {
        hint: `Correct services.${key.service}.network_mode, or have that container created`,
      });
    }
    case 'networks':
    case 'none':
      return { type: 'path', path: netnsPath(key) };
  }
}

function resolveMount(context: MachineContext, mount: ContainerMount, key: ContainerKey): ResolvedMount {
  const { host, paths } = context;
  const { target, readOnly } = mount;
  switch (mount.type) {
    case 'image':
      return imageMount(context, mount, key);
    case 'tmpfs':
      return { type: 'tmpfs', target, readOnly, options: tmpfsOptions(mount) };
    case 'volume':
      return {
        type: 'bind',
        source: volumeData(paths, mount.source ?? ''),
        sourceIsDirectory: true,
        target,
        readOnly,
        ...(mount.subpath !== undefined && { subpath: mount.subpath }),
      };
    case 'bind': {
      const stat = host.stat(mount.source);
      return {
        type: 'bind',
        source: mount.source,
        // A link is mounted as what it leads to; one that isn't there yet is made as a directory.
        sourceIsDirectory:
          stat === undefined ||
          stat.type === 'directory' ||
          (stat.type === 'symlink' && host.stat(`${mount.source}/.`) !== undefined),
        target,
        readOnly,
        ...(mount.propagation !== undefined && { propagation: mount.propagation }),
      };
    }
  }
}

/** One layer is bound as it is; several are put together by an overlay without a writable part. */
function imageMount(
  context: MachineContext,
  { image, imageId = '', target, subpath }: Extract<ContainerMount, { readonly type: 'image' }>,
  key: ContainerKey,
): ResolvedMount {
  const lower = imageLayers(context, image, imageId);
  const [only = '', ...more] = lower;
  const sourceIsDirectory =
    subpath === undefined || imageDirectories(context.host, { lower, overlays: [] }, subpath).length > 0;
  const common = { target, sourceIsDirectory, ...(subpath !== undefined && { subpath }) };
  if (more.length === 0) return { type: 'bind', source: only, readOnly: true, ...common };
  return { type: 'layers', lower, place: containerPaths(context.paths, key).layers, ...common };
}

/** Docker's defaults for `--tmpfs`: noexec, nosuid, nodev, mode 1777. */
function tmpfsOptions(mount: Extract<ContainerSpec['mounts'][number], { readonly type: 'tmpfs' }>): string {
  const options = [`mode=${(mount.mode ?? 0o1777).toString(8)}`];
  if (mount.sizeBytes !== undefined) options.push(`size=${mount.sizeBytes}`);
  for (const option of ['noexec', 'nosuid', 'nodev']) {
    if (!mount.options.includes(option.slice(2))) options.push(option);
  }
  return [...options, ...mount.options].join(',');
}

/** The launcher's report in words; anything else as it is. */
export async function explainStartError(
  context: MachineContext,
  spec: ContainerSpec,
  address: Address,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof TsstackError) || error.code !== 'launch-failed' || !(error.cause instanceof Uint8Array))
    return error;
  const rootfs = await rootFilesystem(context, spec.image.source, spec.image.id);
  const reason = runtimeMessage(spec, explainLaunchFailure(prepareLaunch(context, spec, rootfs), error.cause));
  return new TsstackError('launch-failed', `${address} did not start: ${reason}`, {
    address,
    hint: launchHint(spec, reason),
  });
}

function launchHint(spec: ContainerSpec, reason: string): string | undefined {
  // The launcher's words, and those of crun and runc.
  if (!/no such program|executable file .*not found|exec: .*no such file/.test(reason)) return undefined;
  return spec.image.source.type === 'host'
    ? `The service has no image, so it sees the programs under /usr and /opt of this machine: install "${spec.argv[0]}" there, or give the service an image`
    : `Look at "command" and "entrypoint", and at what the image holds`;
}
