import { TsstackError } from '../model/error.ts';

/** Commands that only look, and those that say what they would do. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['up', 'create', 'down', 'start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'rm', 'build', 'pull', 'push'],
  ...['plan', 'ps', 'logs', 'top', 'port', 'events', 'stats', 'config', 'inspect', 'images', 'volumes', 'ls'],
  'network',
  ...['doctor', 'version'],
]);

/** Throws `usage` for a command that would do what it is asked for, `--dry-run` or not. */
export function refuseWetRun(command: string): void {
  if (HARMLESS.has(command)) return;
  throw new TsstackError('usage', `${command} cannot show beforehand what it does`, {
    hint: 'Leave --dry-run out to do it',
  });
}
