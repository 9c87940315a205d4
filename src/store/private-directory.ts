import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { withoutControls } from '../lib/printable-lines.ts';
import { TsstackError } from '../model/error.ts';

/**
 * Makes a directory that is ours alone, mode 0700, or sees to it that one that is there is: it is closed to others, be it a
 * file system that was mounted for us (a tmpfs can be written to by all). Throws `conflict` for a link, for one of somebody
 * else, and for one that somebody else has put something into.
 */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode, uid, isDirectory } = look(path);
  if (!isDirectory) throw unsafe(path, 'is a link');
  if (uid !== process.geteuid?.()) throw unsafe(path, `belongs to user ${uid}`);
  if ((mode & 0o077) !== 0) chmodSync(path, 0o700);
  // Nothing comes any more; what is ours nobody else can have changed.
  const strange = readdirSync(path).find((name) => look(`${path}/${name}`).uid !== uid);
  if (strange !== undefined) throw unsafe(path, `holds "${withoutControls(strange)}", which is somebody else's`);
}

function look(path: string): { readonly mode: number; readonly uid: number; readonly isDirectory: boolean } {
  const stats = lstatSync(path);
  return { mode: stats.mode & 0o7777, uid: stats.uid, isDirectory: stats.isDirectory() };
}

function unsafe(path: string, what: string): TsstackError {
  return new TsstackError('conflict', `${path} is not used: it ${what}`, {
    hint: 'Look at what is in it, remove it, and try again: tsstack makes it anew, for its own user only',
  });
}
