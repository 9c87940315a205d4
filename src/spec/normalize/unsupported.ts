import type { Context } from '../canonical/context.ts';
import type { Dict } from '../node.ts';

export function warnUnsupported(_value: Dict, _enabled: Dict, _context: Context): void {}
