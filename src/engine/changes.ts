import { parentPaths } from '../build/context/tree.ts';
import type { LayerEntry } from '../build/layer/layer-entry.ts';
import { upperChanges } from '../build/layer/upper-changes.ts';
import type { FileStat } from '../host/host.ts';
import { rootFilesystem } from '../image/image.ts';
import { type EntryKind, OverlayView } from '../image/overlay-view.ts';
import type { ContainerChange } from '../model/image.ts';
import { writableOverlays } from '../runtime/steps/root.ts';
import { firstHostId } from '../runtime/user-namespace.ts';
import { containerPaths } from '../store/paths.ts';
import type { ContainerView } from './containers.ts';
import type { Engine } from './engine.ts';

/** Made by the engine in every container. */
const OURS = new Set(['dev', 'proc', 'sys', 'etc/hosts', 'etc/resolv.conf', '.dockerenv']);

/** What a container has in its root file system besides its image: added, changed and deleted, by path. */
export async function changesOf(
  engine: Engine,
  view: ContainerView,
  signal: AbortSignal,
): Promise<readonly ContainerChange[]> {
  const overlays = await upperEntries(engine, view, signal);
  const changes = overlays.flatMap(({ target, lower, entries }) => {
    const below = new OverlayView(lower, (path) => kindAt(engine, path));
    return entries
      .filter(({ type }) => type !== 'opaque')
      .map(({ path, type }): ContainerChange => {
        const text = Buffer.from(path, 'latin1').toString();
        const kind = type === 'whiteout' ? 'deleted' : below.entry(text) === undefined ? 'added' : 'changed';
        return { kind, path: `${target === '/' ? '' : target}/${text}` };
      });
  });
  return changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

interface UpperEntries {
  /** Where it lies in the container. */
  readonly target: string;
  /** Top first. */
  readonly lower: readonly string[];
  readonly entries: readonly LayerEntry[];
}

/** What lies in the writable directories of a container, without what only a mount needs. */
export async function upperEntries(
  engine: Engine,
  { record }: ContainerView,
  signal: AbortSignal,
): Promise<readonly UpperEntries[]> {
  const { paths } = engine.machine;
  const { spec, key } = record;
  const rootfs = await rootFilesystem(engine.machine, spec.image.source, spec.image.id);
  const idBase = spec.namespaces.user === 'private' ? firstHostId(key.stack) : 0;
  const mounted = new Set([...spec.mounts, ...(spec.files ?? [])].map(({ target }) => target.replace(/^\/+/, '')));
  const isHostnameOurs = spec.image.source.type !== 'layers';
  const isOurs = (path: string): boolean =>
    OURS.has(path) || mounted.has(path) || (isHostnameOurs && path === 'etc/hostname');
  return Promise.all(
    writableOverlays(rootfs, containerPaths(paths, key)).map(async ({ target, lower, upper }) => {
      const all = await upperChanges(upper, { idBase, signal });
      const entries =
        target === '/' ? withoutOurs(all, isOurs, (path) => engine.machine.host.stat(below(engine, lower, path))) : all;
      return { target, lower, entries };
    }),
  );
}

/** Nor the directories that are only there because something of ours lies in them. */
function withoutOurs(
  entries: readonly LayerEntry[],
  isOurs: (path: string) => boolean,
  statBelow: (path: string) => FileStat | undefined,
): readonly LayerEntry[] {
  const kept = entries.filter(({ path }) => !isOurs(path));
  const parents = new Set(entries.filter(({ path }) => isOurs(path)).flatMap(({ path }) => parentPaths(path)));
  const needed = new Set(kept.filter(({ type }) => type !== 'directory').flatMap(({ path }) => parentPaths(path)));
  return kept.filter(({ path, type, mode, uid, gid }) => {
    if (type !== 'directory' || !parents.has(path) || needed.has(path)) return true;
    const before = statBelow(path);
    return before === undefined || (before.mode & 0o7777) !== mode || before.uid !== uid || before.gid !== gid;
  });
}

function below(engine: Engine, lower: readonly string[], path: string): string {
  const view = new OverlayView(lower, (each) => kindAt(engine, each));
  return view.entry(Buffer.from(path, 'latin1').toString())?.realPath ?? '';
}

function kindAt(engine: Engine, path: string): EntryKind | undefined {
  const found = engine.machine.host.stat(path);
  const type = found?.type;
  if (type === undefined || type === 'file' || type === 'directory' || type === 'symlink') return type;
  return type === 'char' && found?.rdev === 0 ? 'whiteout' : 'other';
}
