import { closeSync } from 'node:fs';
import { printable } from '../image/errors.ts';
import { restoreLines, restoreText } from '../image/layer/setfattr.ts';
import { AttrTool, batchSize, type Held, heldPaths } from './attr-tool.ts';
import { openPath } from './descriptors.ts';
import type { Notice } from './entry.ts';
import type { Xattrs } from './xattrs.ts';

/** Of text that is kept in memory. */
const BATCH_BYTES = 16 << 20;

interface Pending extends Held {
  readonly lines: string;
}

/**
 * Sets extended attributes of files that are open, one process for as many as there are; last of all, since a change of
 * owner or content takes a file's capabilities away. A file system that has none is a notice.
 */
export class XattrWriter {
  readonly #tool: AttrTool;
  #pending: Pending[] = [];
  readonly #size = batchSize();
  #bytes = 0;

  constructor(notice: Notice) {
    this.#tool = new AttrTool(notice);
  }

  /** The descriptor may be closed afterwards. */
  async set(descriptor: number, path: readonly string[], xattrs: Xattrs): Promise<void> {
    if (xattrs.size === 0) return;
    const lines = restoreLines(xattrs);
    this.#pending.push({ descriptor: openPath(descriptor), name: printable(path.join('/')), lines });
    this.#bytes += lines.length;
    if (this.#pending.length >= this.#size || this.#bytes >= BATCH_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const files = this.#pending;
    if (files.length === 0) return;
    try {
      const input = heldPaths(files)
        .map((path, index) => restoreText(path, files[index]?.lines ?? ''))
        .join('');
      await this.#tool.run(['setfattr', '--restore=-'], files, { input, maxBytes: 1 << 16 });
    } finally {
      this.close();
    }
  }

  /** What was not set yet is not. Can be called twice. */
  close(): void {
    for (const { descriptor } of this.#pending) closeSync(descriptor);
    this.#pending = [];
    this.#bytes = 0;
  }
}
