import { createHash } from 'node:crypto';
import type { ReadableTree, TreeEntry } from '../../src/build/context/tree.ts';

/** An image as a text for each file, and its configuration without what is empty. */
export interface DescribedImage {
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
}

/** What a build decides. */
const MEMBERS = [
  'Env',
  'Entrypoint',
  'Cmd',
  'WorkingDir',
  'User',
  'Volumes',
  'ExposedPorts',
  'Labels',
  'Healthcheck',
  'StopSignal',
  'OnBuild',
  'Shell',
];
/** Content up to here is shown as it is. */
const SHOWN_BYTES = 400;
/** What is older was not made by the build. Of directories time says nothing: a build changes what is in them. */
const OLD_NS = BigInt(Date.UTC(2024, 0)) * 1_000_000n;

/** The base's programs, which are this machine's, are left out. */
export async function describeImage(tree: ReadableTree, document: Record<string, unknown>): Promise<DescribedImage> {
  const entries = allEntries(tree, '').filter(
    ({ path, linkName }) => !/(^|\/)busybox$/.test(path) && linkName !== 'busybox',
  );
  const xattrs = await tree.xattrs?.(
    entries.map(({ path }) => path),
    new AbortController().signal,
  );
  const first = new Map<string, string>();
  const files: Record<string, string> = {};
  for (const entry of entries) {
    const { path, identity } = entry;
    const known = identity === undefined ? undefined : first.get(identity);
    if (identity !== undefined && known === undefined) first.set(identity, path);
    const attributes = [...(xattrs?.get(path) ?? [])].map(([name, value]) => ` ${name}=${value.toString('hex')}`);
    files[shown(path)] =
      known === undefined
        ? `${await described(tree, entry)}${attributes.sort().join('')}`
        : `the same file as ${shown(known)}`;
  }
  return { config: describedConfig(document['config'] as Record<string, unknown>), files };
}

function allEntries(tree: ReadableTree, path: string): readonly TreeEntry[] {
  return tree.children(path).flatMap((name) => {
    const entry = tree.entry(path === '' ? name : `${path}/${name}`);
    if (entry === undefined) return [];
    return entry.type === 'directory' ? [entry, ...allEntries(tree, entry.path)] : [entry];
  });
}

async function described(tree: ReadableTree, entry: TreeEntry): Promise<string> {
  const time =
    entry.mtimeNs < OLD_NS && entry.type !== 'directory'
      ? ` ${new Date(Number(entry.mtimeNs / 1_000_000n)).toISOString()}`
      : '';
  const rights = `${entry.mode.toString(8).padStart(3, '0')} ${entry.uid}:${entry.gid}${time}`;
  switch (entry.type) {
    case 'file':
      return `file ${rights} ${await content(tree, entry)}`;
    case 'symlink':
      return `link ${entry.uid}:${entry.gid}${time} to ${shown(entry.linkName)}`;
    case 'char':
    case 'block':
      return `${entry.type} ${rights} ${entry.deviceMajor}:${entry.deviceMinor}`;
    default:
      return `${entry.type} ${rights}`;
  }
}

async function content(tree: ReadableTree, entry: TreeEntry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of tree.read(entry)) chunks.push(chunk);
  const data = Buffer.concat(chunks);
  if (data.length <= SHOWN_BYTES) return JSON.stringify(data.toString());
  return `${data.length} bytes, ${createHash('sha256').update(data).digest('hex')}`;
}

/** Bytes that are no text stay apart from each other. */
function shown(path: string): string {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes)
    ? text
    : path.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

function describedConfig(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    MEMBERS.flatMap((member) => {
      const value = config[member];
      const isEmpty =
        value === undefined ||
        value === null ||
        value === '' ||
        (typeof value === 'object' && Object.keys(value).length === 0);
      return isEmpty ? [] : [[member, sorted(value)] as const];
    }),
  );
}

/** With the members of objects in the order of their names. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
