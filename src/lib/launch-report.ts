import { getSystemErrorMap } from 'node:util';

/** errno-base.h */
const ENOENT = 2;
const ENOTDIR = 20;

/**
 * What a launcher reported (8 bytes: step, errno; the first of them, when its child had failed before) in words, or the text as it stands when the launch script itself said
 * why it failed.
 */
export function explainReport(listing: string, report: Uint8Array): string {
  const parsed = parseReport(report);
  if (parsed === undefined) return Buffer.from(report).toString().trim();
  const { step, errno } = parsed;
  const line = lineOfStep(listing, step);
  if (line === undefined) return `step ${step}: ${errorText(errno)}`;
  const { name, words } = line;
  return `${words}: ${name.startsWith('execve') ? executionErrorText(errno) : errorText(errno)}`;
}

/** Status of a shell for a command that it could not execute: 127 when there is none, 126 when it is there. */
export function reportStatus(listing: string, report: Uint8Array): number {
  const parsed = parseReport(report);
  if (parsed === undefined || lineOfStep(listing, parsed.step)?.name.startsWith('execve') !== true) return 126;
  return parsed.errno === ENOENT || parsed.errno === ENOTDIR ? 127 : 126;
}

function parseReport(report: Uint8Array): { readonly step: number; readonly errno: number } | undefined {
  if (report.length < 8 || report[3] !== 0 || report[7] !== 0) return undefined;
  const view = Buffer.from(report);
  return { step: view.readUInt32LE(0), errno: view.readUInt32LE(4) };
}

/** The lines of a launcher's listing; what is none is left out. */
export function parseListing(
  listing: string,
): readonly { readonly first: number; readonly last: number; readonly call: string; readonly does: string }[] {
  return listing.split('\n').flatMap((line) => {
    const [, first = '', last = first, call = '', does = ''] = /^(\d+)(?:-(\d+))? (\w+): (.*)$/.exec(line) ?? [];
    return first === '' ? [] : [{ first: Number(first), last: Number(last), call, does }];
  });
}

function lineOfStep(listing: string, step: number): { name: string; words: string } | undefined {
  const found = parseListing(listing).find(({ first, last }) => step >= first && step <= last);
  return found === undefined ? undefined : { name: found.call, words: found.does };
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
