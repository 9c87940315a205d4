import { printableLines } from '../lib/printable-lines.ts';
import { LogFile, WINDOW } from './log-file.ts';

/** More than the lines that an error shows ever need. */
const BYTES = 64 * 1024;

/** The last `count` lines of a log, fit for a terminal; from the byte `from` on, or from the start
 * where less is there. None when there is no such file. */
export function lastLines(path: string, count: number, from = 0): readonly string[] {
  const file = LogFile.open(path, Buffer.allocUnsafe(WINDOW));
  if (file === undefined) return [];
  try {
    const end = file.size();
    const start = file.tailStart(count, Math.max(from <= end ? from : 0, end - BYTES, file.dataStart()), end);
    return printableLines(file.kept(start, end).bytes.toString(), count);
  } finally {
    file.close();
  }
}
