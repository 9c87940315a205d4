import type { ErrorCode } from '../model/error.ts';
import { EXIT } from './command.ts';

/** Exit status of a command that failed with this code. */
export function exitStatus(code: ErrorCode): number {
  if (code === 'usage' || code === 'invalid-stack' || code === 'no-stack-file') return EXIT.usage;
  return code === 'cancelled' ? EXIT.interrupted : EXIT.failed;
}
