import type { Host } from '../../host/host.ts';
import { imageInvalid } from '../errors.ts';
import { NAME_BYTES, XATTR_BYTES } from '../limits.ts';
import { lstatBytes } from './byte-fs.ts';
import { readDirectoryXattrs } from './cover.ts';
import type { LayerTree } from './layer-tree.ts';
import { restoreLines, restoreText } from './setfattr.ts';

/** Labels of the machine that made the image; this machine's policy gives its own. */
const DROPPED = new Set(['security.selinux', 'system.nfs4_acl', 'security.evm']);

/** Extended attributes of a layer, set by one `setfattr` at its end: later entries would clear file capabilities. */
export class Xattrs {
  readonly #host: Host;
  readonly #tree: LayerTree;
  readonly #staging: string;
  /** Lines of `setfattr --restore` by resolved path; the last entry of a path counts. */
  readonly #pending = new Map<string, string>();

  /** `staging`: a directory for files that go away again. */
  constructor(host: Host, tree: LayerTree, staging: string) {
    this.#host = host;
    this.#tree = tree;
    this.#staging = staging;
  }

  /** What now lies at a resolved path has these and no others. Throws `image-invalid` for one that steers overlayfs. */
  set(path: string, xattrs: ReadonlyMap<string, Buffer>): void {
    this.#pending.delete(path);
    if (xattrs.size === 0) return;
    const stats = lstatBytes(this.#tree.real(path));
    // xattr(7): user.* is only for files and directories.
    const plain = stats?.isFile() === true || stats?.isDirectory() === true;
    const kept = [...xattrs].filter(([name, value]) => {
      check(name, value);
      return !DROPPED.has(name) && (plain || !name.startsWith('user.'));
    });
    if (kept.length > 0) this.#pending.set(path, restoreLines(kept));
  }

  /** Directories that cover others have theirs. */
  async inherit(covering: ReadonlyMap<string, string>): Promise<void> {
    const found = await readDirectoryXattrs([...new Set(covering.values())], {
      host: this.#host,
      staging: this.#staging,
    });
    for (const [path, below] of covering) {
      const kept = [...(found.get(below) ?? [])].filter(([name]) => !DROPPED.has(name));
      if (kept.length > 0) this.#pending.set(path, restoreLines(kept));
    }
  }

  /** setfattr follows links in parents, and a later entry may have put one where a directory was. */
  async make(): Promise<void> {
    const current = [...this.#pending].filter(
      ([path]) => this.#tree.isPlain(path) && lstatBytes(this.#tree.real(path)) !== undefined,
    );
    if (current.length === 0) return;
    const text = current.map(([path, lines]) => restoreText(this.#tree.real(path), lines));
    await this.#host.perform([
      { op: 'run', argv: ['setfattr', '-h', '--restore=-'], stdin: text.join(''), timeoutMs: 300_000 },
    ]);
  }
}

function check(name: string, value: Buffer): void {
  if (/^(trusted|user)\.overlay\./.test(name)) throw imageInvalid(`the attribute ${name} belongs to overlayfs`);
  if (!/^(user|trusted|security|system)\../.test(name) || name.length > NAME_BYTES || name.includes('\0')) {
    throw imageInvalid(`an attribute of the name ${JSON.stringify(name.slice(0, 100))}`);
  }
  if (value.length > XATTR_BYTES) {
    throw imageInvalid(`the attribute ${name} has ${value.length} bytes; the limit is ${XATTR_BYTES}`);
  }
}
