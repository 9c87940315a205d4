/** Nanoseconds in a unit; days and weeks as Compose has them. */
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};
/** The longest duration of the reference: a signed 64-bit number of nanoseconds. */
const longest = 2n ** 63n - 1n;

/** `1m30s`, `2.5s`, `1d12h`: nanoseconds, or undefined when it is no duration. `0` needs no unit. */
export function parseDuration(text: string): bigint | undefined {
  if (text === '0') return 0n;
  if (text.length > 100 || !/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|[\u00b5\u03bc]s|ms|s|m|h|d|w))+$/.test(text))
    return undefined;
  let sum = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)\.?(\d*)([a-z\u00b5\u03bc]+)/g)) {
    const scale = units[unit] ?? 0n;
    sum += BigInt(whole === '' ? 0 : whole) * scale;
    if (fraction !== '') sum += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  if (sum > longest) return undefined;
  return text.startsWith('-') ? -sum : sum;
}

/** Milliseconds of a canonical or written duration, for the engine. */
export function durationMs(text: string): number {
  return Number((parseDuration(text) ?? 0n) / 1_000n) / 1_000;
}

/** As the reference prints it: `1h0m0s`, `1m30s`, `2.5s`, `100ms`, `1µs`. */
export function formatDuration(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const value = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (value === 0n) return '0s';
  if (value < 1_000n) return `${sign}${value}ns`;
  if (value < 1_000_000n) return `${sign}${decimal(value, 1_000n)}µs`;
  if (value < 1_000_000_000n) return `${sign}${decimal(value, 1_000_000n)}ms`;
  const hours = value / 3_600_000_000_000n;
  const minutes = (value / 60_000_000_000n) % 60n;
  const seconds = `${decimal(value % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}
