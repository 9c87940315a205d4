import { unescapeOctal } from '../lib/unescape-octal.ts';
import { AttrTool, type Held, heldPaths } from './attr-tool.ts';
import type { Notice } from './entry.ts';
import { CAPABILITY, keptXattrs, NO_XATTRS, type Xattrs } from './xattrs.ts';

/** Of what `getfattr` says of one batch: a container may have files with very many attributes. */
const OUTPUT_BYTES = 64 << 20;
const GETFATTR = ['getfattr', '--dump', '--encoding=base64', '--absolute-names'] as const;

/** Reads extended attributes of open files, one process for as many as are given. */
export class XattrReader {
  readonly #tool: AttrTool;
  readonly #notice: Notice;
  readonly #withCapability: boolean;

  constructor(notice: Notice, withCapability: boolean) {
    this.#tool = new AttrTool(notice);
    this.#notice = notice;
    this.#withCapability = withCapability;
  }

  /** Of those that have some, by descriptor. */
  async read(files: readonly Held[]): Promise<ReadonlyMap<number, Xattrs>> {
    if (files.length === 0) return new Map();
    const names = this.#withCapability ? `^(user\\.|${CAPABILITY.replace('.', '\\.')}$)` : '^user\\.';
    const output = await this.#tool.run([...GETFATTR, `--match=${names}`, '--', ...heldPaths(files)], files, {
      maxBytes: OUTPUT_BYTES,
    });
    if (output !== undefined) return this.#byDescriptor(output);
    const [first, ...others] = files;
    if (first !== undefined && others.length === 0) {
      this.#notice(`The extended attributes of ${first.name} are left out: more than ${OUTPUT_BYTES >> 20} MiB`);
      return new Map();
    }
    const half = files.length >> 1;
    return new Map([...(await this.read(files.slice(0, half))), ...(await this.read(files.slice(half)))]);
  }

  #byDescriptor(output: string): ReadonlyMap<number, Xattrs> {
    const found = new Map<number, Xattrs>();
    for (const [path, xattrs] of parseDump(output)) {
      const kept = keptXattrs(xattrs, this.#withCapability);
      if (kept !== NO_XATTRS) found.set(Number(path.slice(path.lastIndexOf('/') + 1)), kept);
    }
    return found;
  }
}

/** What `getfattr --dump --encoding=base64` writes: `# file: PATH`, then `NAME=0sVALUE` in lines, then an empty one. */
function parseDump(output: string): ReadonlyMap<string, Xattrs> {
  const files = new Map<string, Map<string, Buffer>>();
  let xattrs = new Map<string, Buffer>();
  for (const line of output.split('\n')) {
    const path = /^# file: (.*)$/.exec(line)?.[1];
    const [, name, value] = /^([^=]+)=0s(.*)$/.exec(line) ?? [];
    if (path !== undefined) {
      xattrs = new Map();
      files.set(path, xattrs);
    } else if (name !== undefined) {
      xattrs.set(unescapeOctal(name), Buffer.from(value ?? '', 'base64'));
    }
  }
  return files;
}
