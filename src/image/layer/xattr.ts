import type { Host } from '../../host/host.ts';
import { imageInvalid } from '../errors.ts';
import { NAME_BYTES, XATTR_BYTES } from '../limits.ts';
import { lstatBytes } from './byte-fs.ts';
import type { LayerTree } from './layer-tree.ts';

/** Labels of the machine that made the image; this machine's policy gives its own. */
const DROPPED = new Set(['security.selinux', 'system.nfs4_acl', 'security.evm']);

interface Pending {
  readonly path: string;
  readonly inode: number;
  readonly lines: readonly string[];
}

/** Extended attributes of a layer, set by one `setfattr` at its end: later entries would clear file capabilities. */
export class Xattrs {
  readonly #host: Host;
  readonly #tree: LayerTree;
  readonly #pending: Pending[] = [];

  constructor(host: Host, tree: LayerTree) {
    this.#host = host;
    this.#tree = tree;
  }

  /** Attributes of what now lies at a resolved path. Throws `image-invalid` for one that would steer overlayfs. */
  add(path: string, xattrs: ReadonlyMap<string, Buffer>): void {
    const stats = lstatBytes(this.#tree.real(path));
    if (stats === undefined) return;
    // xattr(7): user.* is only for files and directories.
    const plain = stats.isFile() || stats.isDirectory();
    const lines = [...xattrs].flatMap(([name, value]) => {
      check(name, value);
      if (DROPPED.has(name) || (name.startsWith('user.') && !plain)) return [];
      return [`${escaped(name)}=0s${value.toString('base64')}`];
    });
    if (lines.length > 0) this.#pending.push({ path, inode: stats.ino, lines });
  }

  async make(): Promise<void> {
    const current = this.#pending.filter(
      ({ path, inode }) => this.#tree.isPlain(path) && lstatBytes(this.#tree.real(path))?.ino === inode,
    );
    if (current.length === 0) return;
    const text = current.map(({ path, lines }) => `# file: ${escaped(this.#tree.real(path))}\n${lines.join('\n')}\n\n`);
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

/** As getfattr writes names: octal for what is not printable ASCII, for `\` and for `=`. */
function escaped(name: string): string {
  return name.replaceAll(/[^\x21-\x7e]|[\\=]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
}
