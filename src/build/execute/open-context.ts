import { posix } from 'node:path';
import { PatternMatcher, parseIgnoreFile } from '../context/ignore.ts';
import { DirectoryTree } from '../context/scan.ts';
import { pathBytes, type ReadableTree, resolveIn } from '../context/tree.ts';
import type { Machine } from './work.ts';

const IGNORE_FILE = '.dockerignore';
/** Of a text that is read whole. */
const MAX_BYTES = 2 ** 20;

/** A directory of this machine. `ignoreFiles`: relative to it; the first that is there counts. */
export function openContext(
  host: Machine['images']['host'],
  directory: string,
  ignoreFiles: readonly string[] = [IGNORE_FILE],
): ReadableTree {
  for (const name of ignoreFiles) {
    const file = posix.resolve(directory, name);
    const text = host.readText(file);
    if (text !== undefined) return treeWithout(directory, parseIgnoreFile(text, file), file);
  }
  return new DirectoryTree(directory, { asRoot: true });
}

/**
 * A repository or an archive from elsewhere. A single file that is no archive is the Dockerfile of an empty context, as
 * for Docker. Links in there are followed within it only.
 */
export async function openRemote({ remote }: Machine, url: string): Promise<ReadableTree> {
  const { directory, name } = await remote.context(url);
  const tree = new DirectoryTree(directory, { asRoot: true });
  const file = name === undefined ? undefined : tree.entry(pathBytes(name));
  if (file === undefined) return withOwnIgnores(directory, tree);
  if (!(await remote.isArchive(() => tree.read(file)))) return renamed(tree, file.path);
  const unpacked = await remote.unpacked(tree.read(file));
  return withOwnIgnores(unpacked, new DirectoryTree(unpacked, { asRoot: true }));
}

/** The text of a file, links followed within the tree; undefined: there is none, or it is too long. */
export async function textIn(tree: ReadableTree, path: string): Promise<string | undefined> {
  const entry = tree.entry(resolveIn(tree, pathBytes(path)));
  if (entry?.type !== 'file' || entry.size > MAX_BYTES) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of tree.read(entry)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function withOwnIgnores(directory: string, tree: ReadableTree): Promise<ReadableTree> {
  const text = await textIn(tree, IGNORE_FILE);
  return text === undefined ? tree : treeWithout(directory, parseIgnoreFile(text, IGNORE_FILE), IGNORE_FILE);
}

function treeWithout(directory: string, patterns: readonly string[], file: string): ReadableTree {
  const ignore = patterns.length === 0 ? {} : { ignore: new PatternMatcher(patterns, file) };
  return new DirectoryTree(directory, { ...ignore, asRoot: true });
}

/** The one file under the name that it is looked for. */
function renamed(tree: ReadableTree, path: string): ReadableTree {
  const actual = (name: string): string => (name === 'Dockerfile' ? path : name);
  return {
    entry: (name) => tree.entry(actual(name)),
    children: (name) => tree.children(name),
    read: (entry) => tree.read(entry),
    contentHash: (entry) => tree.contentHash(entry),
  };
}
