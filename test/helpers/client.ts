import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, '../..');
/** The client as users run it: from dist/, which must be up to date. */
export const TSSTACK = join(ROOT, 'bin/tsstack');

const built = statSync(join(ROOT, 'dist/main.cjs'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
const newer = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true }).find(
  (entry) => entry.isFile() && statSync(join(entry.parentPath, entry.name)).mtimeMs > built,
);
if (newer !== undefined) throw new Error(`dist/ is older than ${newer.parentPath}/${newer.name}; run: npm run build`);
