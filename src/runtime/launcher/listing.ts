import { getSystemErrorMap } from 'node:util';
import type { Call } from './program.ts';

/**
 * The calls in words, one a line: `12 mount: proc on /proc`. Neighbours that do the same to different numbers share a
 * line: `5-66 rt_sigaction: …`.
 */
export function listCalls(calls: readonly Call[]): string {
  const lines: { first: number; last: number; text: string }[] = [];
  for (const [index, call] of calls.entries()) {
    const text = `${call.name}: ${printable(call.words)}`;
    const previous = lines.at(-1);
    if (previous?.text === text) previous.last = index;
    else lines.push({ first: index, last: index, text });
  }
  return lines.map(({ first, last, text }) => `${first === last ? first : `${first}-${last}`} ${text}\n`).join('');
}

/** A path or a name may hold anything; a line of the listing is one line. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

/**
 * What a launcher reported (8 bytes: step, errno; the first of them, when its child had failed before) in words, or the text as it stands when the launch script itself said
 * why it failed.
 */
export function explainReport(listing: string, report: Uint8Array): string {
  if (report.length < 8 || report[3] !== 0 || report[7] !== 0) return Buffer.from(report).toString().trim();
  const view = Buffer.from(report);
  const step = view.readUInt32LE(0);
  const errno = view.readUInt32LE(4);
  const line = lineOfStep(listing, step);
  if (line === undefined) return `step ${step}: ${errorText(errno)}`;
  const { name, words } = line;
  return `${words}: ${name.startsWith('execve') ? executionErrorText(errno) : errorText(errno)}`;
}

function lineOfStep(listing: string, step: number): { name: string; words: string } | undefined {
  for (const line of listing.split('\n')) {
    const [, first = '', last = first, name = '', words = ''] = /^(\d+)(?:-(\d+))? (\w+): (.*)$/.exec(line) ?? [];
    if (first !== '' && step >= Number(first) && step <= Number(last)) return { name, words };
  }
  return undefined;
}

function errorText(errno: number): string {
  const [name, message] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return `${message} (${name})`;
}

/** ENOENT, ENOEXEC, EACCES of execve(2) say something else than of other calls. */
function executionErrorText(errno: number): string {
  if (errno === 2) return 'no such program in the container, or no interpreter for it (ENOENT)';
  if (errno === 8) return 'not a program, nor a script that begins with #! (ENOEXEC)';
  if (errno === 13) return 'not executable (EACCES)';
  return errorText(errno);
}
