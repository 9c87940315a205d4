import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseDump } from '../../image/layer/setfattr.ts';
import { TsstackError } from '../../model/error.ts';

/** Extended attributes of one file, by name. */
export type Xattrs = ReadonlyMap<string, Buffer>;

/** What may be noted of one tree, in bytes. */
const MAX_OUTPUT = 256 * 2 ** 20;

/**
 * All extended attributes in a tree, by path (a byte string; `''` the directory itself), of those that have any. Read by
 * getfattr(1): Node has no call for it. Throws `missing-tool`, `command-failed`, `cancelled`.
 */
export async function readXattrs(directory: string, signal: AbortSignal): Promise<ReadonlyMap<string, Xattrs>> {
  const argv = ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=base64', '--', '.'];
  const child = spawn('getfattr', argv, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], signal });
  const ended = once(child, 'close').catch((error: unknown) => [error]);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 1000);
  });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of child.stdout) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > MAX_OUTPUT) child.kill('SIGKILL');
  }
  const [status] = (await ended) as [unknown];
  if (signal.aborted) throw new TsstackError('cancelled', 'reading extended attributes was cancelled');
  if (status instanceof Error && 'code' in status && status.code === 'ENOENT') {
    throw new TsstackError('missing-tool', 'getfattr is not installed', { hint: 'Run: apt-get install attr' });
  }
  if (length > MAX_OUTPUT || status !== 0) {
    const reason = length > MAX_OUTPUT ? `there are more than ${MAX_OUTPUT} bytes` : complaint.trim();
    throw new TsstackError('command-failed', `Extended attributes cannot be read: ${reason}`);
  }
  const found = parseDump(Buffer.concat(chunks).toString('latin1'));
  return new Map(Array.from(found, ([path, xattrs]) => [path.replace(/^\.(?:\/|$)/, ''), xattrs]));
}
