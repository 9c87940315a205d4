import { TsstackError } from '../../model/error.ts';

/** What is copied, and which side the container is on. */
export interface Copying {
  readonly direction: 'from' | 'to';
  readonly service: string;
  /** Below the container's root. */
  readonly inside: string;
  /** On this machine; `-`: a tar archive on standard output or input. */
  readonly local: string;
}

/** Reads `SERVICE:PATH LOCAL` or `LOCAL SERVICE:PATH`, as Compose does. Throws `usage`. */
export function parseOperands(operands: readonly string[]): Copying {
  const [source, destination, ...more] = operands;
  if (source === undefined || destination === undefined || more.length > 0) {
    throw usage('cp needs a source and a destination');
  }
  const [from, to] = [servicePath(source), servicePath(destination)];
  if (from !== undefined && to !== undefined) throw usage('cp does not copy from one container into another');
  if (from !== undefined) return { direction: 'from', ...from, local: localPath(destination) };
  if (to !== undefined) return { direction: 'to', ...to, local: localPath(source) };
  throw usage('One of source and destination must be SERVICE:PATH');
}

/** What has a colon, unless it begins as a path of this machine does: `/a:b`, `./a:b`. */
function servicePath(word: string): { readonly service: string; readonly inside: string } | undefined {
  const colon = word.indexOf(':');
  if (colon === -1 || word.startsWith('/') || word.startsWith('.')) return undefined;
  const [service, inside] = [word.slice(0, colon), word.slice(colon + 1)];
  if (service === '' || inside === '') throw usage(`"${word}" is not SERVICE:PATH`);
  return { service, inside };
}

function localPath(word: string): string {
  if (word === '') throw usage('A path is empty');
  return word;
}

function usage(message: string): TsstackError {
  return new TsstackError('usage', message, { hint: 'For example: tsstack cp web:/etc/nginx ./nginx' });
}
