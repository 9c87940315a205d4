const exponents: Readonly<Record<string, number>> = { '': 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** `512m`, `1.5GiB`, `1024`: bytes, units of 1024, rounded down; undefined when it is no size or not a safe number. */
export function parseBytes(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (/^-\d+$/.test(value)) return safe(Number(value));
  const match = /^(\d+(?:_\d+)*(?:\.\d*)?|\.\d+) ?([bkmgtp])?(i?b)?$/i.exec(value);
  if (match === null) return undefined;
  const [, digits = '', unit = '', suffix = ''] = match;
  if (unit === '' && suffix.length === 2) return undefined;
  if (unit.toLowerCase() === 'b' && suffix !== '') return undefined;
  return safe(Math.trunc(Number(digits.replaceAll('_', '')) * 1024 ** (exponents[unit.toLowerCase()] ?? 0)));
}

function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}
