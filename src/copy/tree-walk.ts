import { closeSync, constants, fstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { printable } from '../image/errors.ts';
import { raw } from '../image/layer/byte-fs.ts';
import { TsstackError } from '../model/error.ts';
import {
  at,
  errorCode,
  identityOf,
  MAX_DEPTH,
  named,
  openAgain,
  openName,
  openNamed,
  self,
  tooDeep,
} from './descriptors.ts';
import type { Notice } from './entry.ts';
import type { Place } from './place.ts';

/** What happens to a file when its container goes on while it is copied. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ESTALE']);

/** What is at a place. */
export interface Found {
  readonly stats: Stats;
  /** Of a file or directory, open for reading. */
  readonly opened?: number;
  readonly linkName?: string;
}

/** Opens what is at a place. Throws `conflict` for what cannot be copied. */
export function findTree({ directory, name }: Place): Found {
  const descriptor = name === undefined ? openAgain(directory) : openName(directory, name);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory())
      return { stats, opened: openNamed(descriptor, constants.O_RDONLY | constants.O_DIRECTORY) };
    if (stats.isFile()) return { stats, opened: openNamed(descriptor, constants.O_RDONLY) };
    if (stats.isSymbolicLink() && name !== undefined) {
      return { stats, linkName: readlinkSync(at(directory, name), 'buffer').toString('latin1') };
    }
  } finally {
    closeSync(descriptor);
  }
  throw new TsstackError('conflict', 'Devices, pipes and sockets are not copied');
}

/** One thing of a tree; who takes it closes what is open. */
export interface Step extends Found {
  readonly path: readonly string[];
}

export interface WalkOptions {
  readonly notice: Notice;
  /** Paths, components joined by slashes, of which what is in them is not looked at. */
  readonly empty?: ReadonlySet<string>;
  /** Whether a directory is one that the copy has made. */
  readonly hasMade: (identity: string) => boolean;
}

/** All of a tree, parents before children, each opened from the directory before it. The top is not closed. */
export function* walkTree(top: Found, path: readonly string[], options: WalkOptions): Generator<Step> {
  const { stats, opened } = top;
  if (opened === undefined) yield { ...top, path };
  else if (!stats.isDirectory()) yield { ...top, path, opened: openNamed(opened, constants.O_RDONLY) };
  else yield* walkDirectory({ stats, opened }, path, options);
}

function* walkDirectory(
  { stats, opened }: Required<Pick<Found, 'stats' | 'opened'>>,
  path: readonly string[],
  options: WalkOptions,
): Generator<Step> {
  yield { stats, path, opened: openAgain(opened) };
  if (path.length >= MAX_DEPTH) throw named(path, tooDeep());
  for (const bytes of readdirSync(raw(self(opened)), { encoding: 'buffer' })) {
    const below = [...path, bytes.toString('latin1')];
    const found = options.empty?.has(below.join('/')) ? mountPoint(opened, below) : findChild(opened, below, options);
    if (found === undefined) continue;
    if (found.opened === undefined || !found.stats.isDirectory()) {
      yield { ...found, path: below };
      continue;
    }
    try {
      yield* walkDirectory({ stats: found.stats, opened: found.opened }, below, options);
    } finally {
      closeSync(found.opened);
    }
  }
}

/** What is mounted there is not looked at. */
function mountPoint(directory: number, path: readonly string[]): Found | undefined {
  const descriptor = openName(directory, path.at(-1) ?? '');
  const stats = fstatSync(descriptor);
  closeSync(descriptor);
  return stats.isDirectory() || stats.isFile() ? { stats } : undefined;
}

/** undefined: left out. */
function findChild(directory: number, path: readonly string[], { notice, hasMade }: WalkOptions): Found | undefined {
  const name = path.at(-1) ?? '';
  const where = printable(path.join('/'));
  try {
    const found = findTree({ directory, name });
    if (!hasMade(identityOf(found.stats))) return found;
    notice(`${where} is left out: it is what this copy has made`);
    if (found.opened !== undefined) closeSync(found.opened);
  } catch (error) {
    if (error instanceof TsstackError && error.code === 'conflict') notice(`${where} is left out: ${error.message}`);
    else if (GONE.has(errorCode(error))) notice(`${where} is left out: it went or changed meanwhile`);
    else throw named(path, error);
  }
  return undefined;
}
