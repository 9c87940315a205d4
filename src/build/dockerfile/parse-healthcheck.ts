import type { Position } from '../../model/diagnostic.ts';
import { type Flags, parseFlags } from './flags.ts';
import type { Healthcheck } from './instruction.ts';
import { Problem } from './problems.ts';
import { jsonArray, type RawInstruction } from './raw-instruction.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const KNOWN = {
  interval: 'text',
  timeout: 'text',
  'start-period': 'text',
  'start-interval': 'text',
  retries: 'text',
} as const;

/** Throws a `Problem`. */
export function parseHealthcheck(raw: RawInstruction, position: Position): Healthcheck {
  const [, type = '', text = ''] = /^(\S+)\s*(.*)$/s.exec(raw.rest.text) ?? [];
  const flags = parseFlags(raw, KNOWN);
  if (type.toUpperCase() === 'NONE') {
    if (text !== '') throw new Problem('HEALTHCHECK NONE has arguments', 'Write HEALTHCHECK NONE', raw.rest.offset);
    return { type: 'healthcheck', position };
  }
  if (type.toUpperCase() !== 'CMD') {
    throw new Problem(
      'HEALTHCHECK is followed by neither CMD nor NONE',
      'Write HEALTHCHECK CMD COMMAND',
      raw.rest.offset,
    );
  }
  const argv = jsonArray(text);
  if (text === '' || argv?.length === 0)
    throw new Problem('HEALTHCHECK CMD has no command', undefined, raw.rest.offset);
  return {
    type: 'healthcheck',
    position,
    command: argv === undefined ? { form: 'shell', line: text, heredocs: [] } : { form: 'exec', argv },
    ...given('intervalMs', duration(flags, 'interval')),
    ...given('timeoutMs', duration(flags, 'timeout')),
    ...given('startPeriodMs', duration(flags, 'start-period')),
    ...given('startIntervalMs', duration(flags, 'start-interval')),
    ...given('retries', retries(flags)),
  };
}

function given<Key extends string>(key: Key, value: number | undefined): { readonly [Name in Key]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [Name in Key]?: number });
}

/** Go's time.ParseDuration. */
function duration(flags: Flags, name: string): number | undefined {
  const value = flags.text(name);
  if (value === undefined || value === '' || value === '0') return undefined;
  const isValid = /^(?:\d+(?:\.\d*)?(?:ns|us|\u00b5s|ms|s|m|h))+$/.test(value);
  let totalMs = 0;
  for (const [, digits, unit = ''] of value.matchAll(/(\d+(?:\.\d*)?)(ns|us|\u00b5s|ms|s|m|h)/g)) {
    totalMs += Number(digits) * (UNITS_MS[unit] ?? 0);
  }
  if (isValid && totalMs === 0) return undefined;
  if (isValid && totalMs >= 1) return totalMs;
  throw new Problem(
    `--${name} of HEALTHCHECK is ${JSON.stringify(value)}`,
    'Write a time of 1ms or more, such as 30s or 1m30s',
  );
}

function retries(flags: Flags): number | undefined {
  const value = flags.text('retries');
  if (value === undefined || value === '') return undefined;
  if (/^[0-9]{1,9}$/.test(value)) return Number(value);
  throw new Problem(`--retries of HEALTHCHECK is ${JSON.stringify(value)}`, 'Write a whole number, such as 3');
}
