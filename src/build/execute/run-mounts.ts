import { TsstackError } from '../../model/error.ts';
import type { Mount } from '../../model/mounts.ts';
import type { KeyFile } from '../cache-key.ts';
import { planWhole } from '../context/copy.ts';
import { pathBytes, type ReadableTree, resolveIn, shownPath } from '../context/tree.ts';
import type { RunMount } from '../dockerfile/mount.ts';
import { entriesOf } from '../layer/copied-entries.ts';
import { keyFiles } from './copy-step.ts';
import { fileSystemOf, layerOf } from './file-system.ts';
import type { RunFile, Work } from './work.ts';

const CACHE_MODE = 0o755;
const SECRET_MODE = 0o400;
const AGENT_DIRECTORY = '/run/buildkit';
/** Where a secret lies that a variable is to have. */
const VARIABLES_DIRECTORY = '/run/tsstack';

/** What a RUN sees besides its layers. */
export interface Mounted {
  readonly mounts: readonly Mount[];
  readonly files: readonly RunFile[];
  readonly env: ReadonlyMap<string, string>;
  /** Variables whose value is the content of a file. */
  readonly variables: ReadonlyMap<string, string>;
  readonly release: () => void;
}

/** A mount with what its key depends on; `mount` makes it ready, when the step is really done. */
export interface PreparedMount {
  readonly files: readonly KeyFile[];
  readonly mount: () => Promise<Partial<Mounted>>;
}

/** `tree`: what `from` says, or the context. */
export async function prepareMount(
  work: Work,
  mount: RunMount,
  { tree, number }: { readonly tree: ReadableTree; readonly number: number },
): Promise<PreparedMount> {
  switch (mount.type) {
    case 'bind':
      return prepareBind(work, mount, tree);
    case 'tmpfs':
      return plain({ mounts: [tmpfs(mount)] });
    case 'cache':
      return { files: [], mount: () => cacheMount(work, mount, tree) };
    case 'secret':
      return plain(secret(work, mount));
    case 'ssh':
      return plain(ssh(work, mount, number));
  }
}

/** One after the other: two that share a cache must not wait for each other. Released in the opposite order. */
export async function mountAll(prepared: readonly PreparedMount[]): Promise<Mounted> {
  const ready: Partial<Mounted>[] = [];
  const release = (): void => {
    for (const each of ready.toReversed()) each.release?.();
  };
  try {
    for (const { mount } of prepared) ready.push(await mount());
  } catch (error) {
    release();
    throw error;
  }
  return {
    mounts: ready.flatMap(({ mounts = [] }) => mounts),
    files: ready.flatMap(({ files = [] }) => files),
    env: new Map(ready.flatMap(({ env = [] }) => [...env])),
    variables: new Map(ready.flatMap(({ variables = [] }) => [...variables])),
    release,
  };
}

function plain(mounted: Partial<Mounted>): PreparedMount {
  return { files: [], mount: async () => mounted };
}

async function prepareBind(work: Work, mount: RunMount, tree: ReadableTree): Promise<PreparedMount> {
  const source = mount.source ?? '/';
  const path = resolveIn(tree, pathBytes(source));
  const entry = tree.entry(path);
  if (entry === undefined) {
    throw new TsstackError('build-failed', `--mount: there is no ${JSON.stringify(source)} to mount`);
  }
  const name = path.slice(path.lastIndexOf('/') + 1);
  const copied = await planWhole(tree, path);
  const entries = await entriesOf(tree, copied, { nowNs: 0n, signal: work.signal });
  const files = await keyFiles(tree, copied, entries);
  const { target = '' } = mount;
  return {
    files,
    mount: async () => {
      const layer = await layerOf({ ...work, sourceDateEpoch: undefined }, entries);
      const found = layer === undefined ? undefined : await fileSystemOf(work.machine, [layer], work.signal);
      const directory = found?.directories[0];
      if (directory === undefined) return { mounts: [emptyDirectory(target)] };
      const place = entry.type === 'directory' ? directory : `${directory}/${name}`;
      if (mount.readOnly) return { mounts: [bind(place, target, true)] };
      const copy = await work.machine.writableCopy(place);
      return { mounts: [bind(copy.path, target, false)], release: copy.release };
    },
  };
}

function bind(source: string, target: string, readOnly: boolean): Mount {
  return { type: 'bind', source, target: absolute(target), readOnly, createHostPath: false };
}

function emptyDirectory(target: string): Mount {
  return { type: 'tmpfs', target: absolute(target), readOnly: true, options: [] };
}

function tmpfs({ target = '', sizeBytes, readOnly }: RunMount): Mount {
  return {
    type: 'tmpfs',
    target: absolute(target),
    readOnly,
    ...(sizeBytes !== undefined && { sizeBytes }),
    options: ['exec'],
  };
}

async function cacheMount(work: Work, mount: RunMount, tree: ReadableTree): Promise<Partial<Mounted>> {
  const { target = '', id = target, sharing = 'shared', uid = 0, gid = 0, mode = CACHE_MODE } = mount;
  const seed = mount.from === undefined ? undefined : await prepareBind(work, { ...mount, readOnly: true }, tree);
  const [from] = (await seed?.mount())?.mounts ?? [];
  const { path, release } = await work.machine.cacheMount({
    id,
    sharing,
    uid,
    gid,
    mode,
    ...(from?.type === 'bind' && { seed: from.source }),
    signal: work.signal,
  });
  return { mounts: [bind(path, target, mount.readOnly)], release };
}

function secret(work: Work, mount: RunMount): Partial<Mounted> {
  const id = mount.id ?? mount.source ?? mount.target?.slice(mount.target.lastIndexOf('/') + 1) ?? '';
  const content = work.secrets.get(id);
  if (content === undefined) {
    if (!mount.required) return {};
    throw new TsstackError('build-failed', `The build has no secret ${JSON.stringify(id)}, which a RUN requires`, {
      hint: 'Name it in build.secrets of the stack file',
    });
  }
  const { uid = 0, gid = 0, mode = SECRET_MODE } = mount;
  const file = { content, uid, gid, mode, secret: true };
  const files = [{ ...file, target: absolute(mount.target ?? `/run/secrets/${id}`) }];
  if (mount.env === undefined) return { files };
  const variable = mount.env === '' ? id : mount.env;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
    throw new TsstackError('build-failed', `--mount: ${JSON.stringify(variable)} cannot be a variable`);
  }
  const place = `${VARIABLES_DIRECTORY}/${variable}`;
  return {
    files: [...(mount.target === undefined ? [] : files), { ...file, target: place, mode: 0o444 }],
    variables: new Map([[variable, place]]),
  };
}

function ssh(work: Work, mount: RunMount, number: number): Partial<Mounted> {
  const id = mount.id ?? 'default';
  const path = work.build.ssh[id] ?? '';
  if (path === '') {
    if (!mount.required) return {};
    throw new TsstackError('build-failed', `The build has no ssh agent ${JSON.stringify(id)}, which a RUN requires`, {
      hint: 'Name it in build.ssh of the stack file, or give --ssh',
    });
  }
  if (work.machine.images.host.stat(path)?.type !== 'socket') {
    throw new TsstackError('build-failed', `build.ssh: ${shownPath(pathBytes(path))} is no socket of an ssh agent`, {
      hint: 'Start ssh-agent, add the key with ssh-add, and give the path of its socket (SSH_AUTH_SOCK)',
    });
  }
  const target = absolute(mount.target ?? `${AGENT_DIRECTORY}/ssh_agent.${number}`);
  return { mounts: [bind(path, target, false)], env: new Map([['SSH_AUTH_SOCK', target]]) };
}

function absolute(target: string): string {
  return target.startsWith('/') ? target : `/${target}`;
}
