import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What list-tree.py tells of one path. */
export interface Listed {
  readonly type: string;
  readonly mtimeNs: string;
  /** Of a file: bytes, and how many of them take room. */
  readonly size?: number;
  readonly onDisk?: number;
  readonly links?: number;
  readonly [attribute: string]: unknown;
}

export type Tree = Readonly<Record<string, Listed>>;

const LISTER = join(import.meta.dirname, 'list-tree.py');

export function listTree(root: string): Tree {
  return JSON.parse(execFileSync('python3', [LISTER, root], { maxBuffer: 2 ** 28, encoding: 'utf8' })) as Tree;
}

/** What the kernel shows of layers, top first, one over another. `scratch`: an empty directory's path. */
export function listMerged(lower: readonly string[], scratch: string): Tree {
  for (const name of ['empty', 'merged']) mkdirSync(join(scratch, name), { recursive: true });
  // Short names: mount(8) is given one page for all of them.
  const names = [...lower, join(scratch, 'empty')].map((layer, position) => {
    symlinkSync(layer, join(scratch, `${position}`));
    return `${position}`;
  });
  const script = 'cd "$1" && mount -t overlay -o "ro,lowerdir=$2" none merged && exec python3 "$3" merged';
  const argv = ['-m', 'sh', '-c', script, 'sh', scratch, names.join(':'), LISTER];
  const listed = execFileSync('unshare', argv, { maxBuffer: 2 ** 28, encoding: 'utf8' });
  rmSync(scratch, { recursive: true });
  return JSON.parse(listed) as Tree;
}
