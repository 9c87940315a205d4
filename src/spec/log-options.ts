import { parseBytes } from '../lib/parse-bytes.ts';

/** What a driver of `logging` keeps when its options do not say: Docker's defaults. */
const DEFAULTS: Readonly<Record<string, { readonly maxSize?: string; readonly maxFile: string }>> = {
  'json-file': { maxFile: '1' },
  local: { maxSize: '20m', maxFile: '5' },
};

/** The driver where none is written. */
export const DEFAULT_DRIVER = 'json-file';

/** Drivers that the engine knows: files, and nothing at all. */
export const LOG_DRIVERS: readonly string[] = [...Object.keys(DEFAULTS), 'none'];

/** Options that it acts on. */
export const LOG_OPTIONS = ['max-size', 'max-file'] as const;

type LogOption = (typeof LOG_OPTIONS)[number];
export type LogOptions = Readonly<Partial<Record<LogOption, string>>>;

/** Bytes that are kept; absent: all. `problems` are values that say nothing. */
export interface LogLimit {
  readonly bytes?: number;
  readonly problems: readonly { readonly option: LogOption; readonly problem: string; readonly hint: string }[];
}

/** `max-file` files of `max-size` bytes, as one number. Of a driver that keeps no files: no limit. */
export function logLimit(driver: string, options: LogOptions): LogLimit {
  const defaults = Object.hasOwn(DEFAULTS, driver) ? DEFAULTS[driver] : undefined;
  if (defaults === undefined) return { problems: [] };
  const maxSize = options['max-size'] ?? defaults.maxSize;
  const maxFile = options['max-file'] ?? defaults.maxFile;
  const size = maxSize === undefined ? undefined : (parseBytes(maxSize) ?? 0);
  const files = /^\d{1,6}$/.test(maxFile) ? Number(maxFile) : 0;
  const problems = [
    ...(size !== undefined && size < 1
      ? [{ option: 'max-size' as const, problem: 'it must be a size above 0', hint: 'write 64k, 10m or 1g' }]
      : []),
    ...(files < 1
      ? [{ option: 'max-file' as const, problem: 'it must be a number from 1 on', hint: 'write 1, 3 or 5' }]
      : []),
  ];
  const bytes = size === undefined ? undefined : size * files;
  return { problems, ...(bytes !== undefined && problems.length === 0 && { bytes }) };
}
