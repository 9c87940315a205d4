import { existsSync, mkdirSync } from 'node:fs';
import { unescapeOctal } from '../../lib/unescape-octal.ts';
import type { RootFilesystem } from '../../model/image.ts';
import type { ImageContext } from '../context.ts';
import { publishUntilReboot, withStaging } from '../staging.ts';
import { hostRootDirectory } from '../store-layout.ts';
import { copyEtc, fingerprint, listEtc } from './etc.ts';
import { makeSkeleton, SKELETON_VERSION, type TopLevel } from './skeleton.ts';

const PROGRAMS = ['/usr', '/opt'];
const MERGED_WITH_USR = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Walking /etc costs milliseconds: containers that start together share one walk. */
const FRESH_MS = 1000;
const known = new Map<string, { readonly at: number; readonly rootfs: Promise<RootFilesystem> }>();

/**
 * The host's installed programs as a root file system: `/usr`, `/opt` and what is not a link into `/usr` as overlays,
 * over a skeleton in the store that holds a copy of /etc without the host's secrets and nothing of its data.
 */
export function hostRootFilesystem(context: ImageContext): Promise<RootFilesystem> {
  const key = context.paths.state;
  const last = known.get(key);
  const now = performance.now();
  if (last !== undefined && now - last.at < FRESH_MS) return last.rootfs;
  const rootfs = build(context);
  known.set(key, { at: now, rootfs });
  rootfs.catch(() => known.delete(key));
  return rootfs;
}

async function build(context: ImageContext): Promise<RootFilesystem> {
  const top = topLevel(context);
  const overlaid = [
    ...PROGRAMS.filter((path) => isDirectory(context, path)),
    ...top.directories.map((path) => `/${path}`),
  ];
  const points = mountPoints(context);
  const below = (directory: string): readonly string[] => points.filter((each) => each.startsWith(`${directory}/`));
  // An overlay's lower directory ends at mount points: what is mounted below (`/usr/local`) needs an overlay of its own.
  const mounts = overlaid.flatMap((path) => [path, ...below(path).filter((each) => isDirectory(context, each))]);
  const skeleton = await ensureSkeleton(context, top);
  const overlays = mounts.map((path) => ({
    target: path,
    lower: [path],
    ...(below(path).length > 0 && { holdsMounts: true as const }),
  }));
  return { lower: [skeleton], overlays };
}

function topLevel({ host }: ImageContext): TopLevel {
  const links: (readonly [string, string])[] = [];
  const directories: string[] = [];
  for (const path of MERGED_WITH_USR) {
    const type = host.stat(path)?.type;
    const target = type === 'symlink' ? host.readLink(path) : undefined;
    if (target !== undefined) links.push([path.slice(1), target]);
    if (type === 'directory') directories.push(path.slice(1));
  }
  return { links, directories };
}

function isDirectory({ host }: ImageContext, path: string): boolean {
  return host.stat(path)?.type === 'directory';
}

function mountPoints({ host }: ImageContext): readonly string[] {
  const table = host.readText('/proc/self/mountinfo') ?? '';
  const points = table.split('\n').map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
  return [...new Set(points)].sort();
}

async function ensureSkeleton(context: ImageContext, top: TopLevel): Promise<string> {
  const entries = listEtc('/etc');
  // Each boot makes its own: nothing has to be on the disk before a container starts, and nothing that a power cut
  // has left half written is ever used.
  const boot = context.host.readText('/proc/sys/kernel/random/boot_id') ?? '';
  const name = fingerprint(entries, `${boot}${SKELETON_VERSION}${JSON.stringify(top)}`);
  const directory = hostRootDirectory(context.paths, name);
  if (existsSync(directory)) return directory;
  await withStaging(context.paths, async (staging) => {
    const root = `${staging}/root`;
    mkdirSync(root);
    makeSkeleton(root, top);
    copyEtc('/etc', entries, `${root}/etc`);
    publishUntilReboot({ from: root, to: directory });
  });
  return directory;
}
