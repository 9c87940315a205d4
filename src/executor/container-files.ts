import type { HostOp, Owner } from '../host/op.ts';
import { containerAddress } from '../model/address.ts';
import type { ContainerFile, ContainerSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import { preStartReplica } from '../model/pre-start.ts';
import type { ResolvedMount } from '../runtime/config.ts';
import { firstHostId, ID_COUNT } from '../runtime/user-namespace.ts';
import { configsDirectory, type Paths, secretsDirectory, secretsRoot } from '../store/paths.ts';
import type { MachineContext } from './context.ts';

/** Writes the configs and secrets of a container that is made. Throws `not-found` for content that nobody has. */
export function writeFiles(context: MachineContext, spec: ContainerSpec): readonly HostOp[] {
  if (preStartReplica(spec) !== undefined) return [];
  return filesOf(context.paths, spec).flatMap(({ file, path }) => [...writeFile(context, spec, file, path)]);
}

/** Writes again what is gone: secrets do not outlive a reboot. */
export function restoreFiles(context: MachineContext, spec: ContainerSpec): readonly HostOp[] {
  return filesOf(context.paths, spec).flatMap(({ file, path }) =>
    context.host.stat(path) === undefined ? [...writeFile(context, spec, file, path)] : [],
  );
}

/** Writes those again whose content is another one, under the mounts of the process that has them. */
export function rewriteFiles(context: MachineContext, before: ContainerSpec, spec: ContainerSpec): readonly HostOp[] {
  const old = new Map(filesOf(context.paths, before).map(({ file, path }) => [path, file.content]));
  return filesOf(context.paths, spec)
    .filter(({ file, path }) => old.get(path) !== file.content)
    .flatMap(({ file, path }) => [...writeFile(context, spec, file, path)])
    .map((op) => (op.op === 'write-file' || op.op === 'write-secret' ? { ...op, inPlace: true } : op));
}

/** Configs go with the directory of the container. */
export function removeFiles(paths: Paths, spec: ContainerSpec): readonly HostOp[] {
  const { key, files = [] } = spec;
  if (preStartReplica(spec) !== undefined || !files.some(({ kind }) => kind === 'secret')) return [];
  return [{ op: 'remove-secrets', root: secretsRoot(paths), directory: secretsDirectory(paths, key) }];
}

/** Keeps what is about to be removed: a plan that fails makes the container again as it was. */
export function rememberFiles({ host, paths, contents }: MachineContext, spec: ContainerSpec): void {
  if (contents === undefined) return;
  for (const { file, path } of filesOf(paths, spec)) {
    const bytes = host.readBytes(path);
    if (bytes !== undefined) contents.set(file.content, bytes);
  }
}

/** The files as read-only mounts. Their owners are written for the container's user namespace. */
export function fileMounts(paths: Paths, spec: ContainerSpec): readonly ResolvedMount[] {
  return filesOf(paths, spec).map(({ file: { target }, path }) => ({
    type: 'bind',
    source: path,
    sourceIsDirectory: false,
    target,
    readOnly: true,
    ownIds: true,
  }));
}

/** A container of `pre_start` sees those of its replica. */
function filesOf(paths: Paths, spec: ContainerSpec): readonly { file: ContainerFile; path: string }[] {
  const { files = [] } = spec;
  const key = preStartReplica(spec) ?? spec.key;
  const directories = { config: configsDirectory(paths, key), secret: secretsDirectory(paths, key) };
  return files.map((file, index) => ({ file, path: `${directories[file.kind]}/${index}` }));
}

function* writeFile(
  { paths, contents }: MachineContext,
  spec: ContainerSpec,
  file: ContainerFile,
  path: string,
): Generator<HostOp> {
  const { kind, source, mode } = file;
  const data = contents?.get(file.content);
  if (data === undefined) {
    const address = containerAddress(spec.key.service, spec.key.index);
    const why = kind === 'secret' ? ': secrets are kept in memory, which a reboot empties' : '';
    throw new TsstackError('not-found', `The ${kind} "${source}" of ${address} is not there any more${why}`, {
      address,
      hint: 'Run "tsstack up", which reads it again',
    });
  }
  const owner = ownerOf(spec, file);
  if (kind === 'secret') {
    yield { op: 'write-secret', name: source, root: secretsRoot(paths), path, data, mode, owner };
    return;
  }
  yield { op: 'mkdir', path: configsDirectory(paths, spec.key), mode: 0o700 };
  yield { op: 'write-file', path, data, mode, owner };
}

/** Ids of the host. Throws `launch-failed` for what the container's user namespace does not have. */
function ownerOf({ key, namespaces }: ContainerSpec, { kind, source, uid, gid }: ContainerFile): Owner {
  if (namespaces.user !== 'private') return { uid, gid };
  if (uid >= ID_COUNT || gid >= ID_COUNT) {
    const message = `The ${kind} "${source}" cannot belong to ${uid}:${gid} in a user namespace`;
    throw new TsstackError('launch-failed', message, { hint: `Use ids up to ${ID_COUNT - 1}, or remove userns_mode.` });
  }
  const base = firstHostId(key.stack);
  return { uid: base + uid, gid: base + gid };
}
