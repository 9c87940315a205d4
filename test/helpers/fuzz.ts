import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TsstackError } from '../../src/model/error.ts';

/**
 * How many inputs a property is tried with: `few` in a check, always the same ones; TSSTACK_FUZZ_RUNS=100000 tries as
 * many, new ones each time unless TSSTACK_FUZZ_SEED names those of a run before.
 */
export function fuzzRuns(few: number): { readonly numRuns: number; readonly seed: number } {
  const runs = process.env['TSSTACK_FUZZ_RUNS'];
  const seed = process.env['TSSTACK_FUZZ_SEED'];
  if (runs === undefined) return { numRuns: few, seed: Number(seed ?? 7) };
  return { numRuns: Number(runs), seed: seed === undefined ? Date.now() % 2 ** 31 : Number(seed) };
}

/** Something to put in place of what stands in a document. */
const STRANGE: readonly unknown[] = [
  ...[null, true, -1, 0, 1.5, 2 ** 53, -(2 ** 31), 1e308, '', ' ', '\0', '../..', '/', 'x'.repeat(300), '\u202e\ud800'],
  ...[
    [],
    {},
    [[]],
    ['', null],
    { a: { b: [] } },
    ['__proto__'],
    JSON.parse('{"__proto__":{"polluted":true}}') as unknown,
  ],
];

const PIECES: readonly string[] = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '"',
    "'",
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '=',
    '$',
    '${',
    '$(',
    '`',
    '#',
    '*',
    '?',
    '!',
    '%',
  ],
  ...['\u00ff\u00fe', '0', '-1', '99999999999999999999', '__proto__', 'constructor', ' '.repeat(64), '/../', '<<EOF\n'],
];

/** One of the seeds, damaged in up to four places: bits, cuts, repeats, pieces put in, another seed's end. */
export function damagedBytes(seeds: readonly (Buffer | string)[]): fc.Arbitrary<Buffer> {
  const buffers = seeds.map((seed) => Buffer.from(seed as string));
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const change = fc.tuple(fc.nat(6), share, share, fc.nat());
  return fc.tuple(fc.nat(buffers.length - 1), fc.array(change, { maxLength: 4 })).map(([seed, changes]) => {
    let bytes: Buffer = Buffer.from(buffers[seed] as Buffer);
    for (const [kind, one, other, number] of changes) {
      const [from = 0, to = 0] = [one, other].map((each) => Math.floor(each * bytes.length)).sort((a, b) => a - b);
      const part = bytes.subarray(from, to);
      const put = (...middle: Uint8Array[]): Buffer =>
        Buffer.concat([bytes.subarray(0, from), ...middle, bytes.subarray(to)]);
      if (kind === 0 && bytes.length > 0)
        bytes[from % bytes.length] = (bytes[from % bytes.length] ?? 0) ^ (1 << (number % 8));
      else if (kind === 1) bytes = put();
      else if (kind === 2) bytes = put(part, part);
      else if (kind === 3) bytes = put(Buffer.from(PIECES[number % PIECES.length] ?? '', 'latin1'), part);
      else if (kind === 4) bytes = Buffer.from(bytes.subarray(0, to));
      else if (kind === 5)
        bytes = Buffer.concat([bytes.subarray(0, from), (buffers[number % buffers.length] as Buffer).subarray(from)]);
      else bytes = put(Buffer.alloc(part.length, number));
    }
    return bytes;
  });
}

/** A JSON document of which up to three members or elements are taken out, doubled, or replaced by something strange. */
export function damagedJson(seeds: readonly unknown[]): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(), fc.nat(3), fc.nat(STRANGE.length - 1), fc.nat(PIECES.length - 1));
  return fc.tuple(fc.nat(seeds.length - 1), fc.array(change, { minLength: 1, maxLength: 3 })).map(([seed, changes]) => {
    const document: Holder = { document: structuredClone(seeds[seed]) };
    for (const [place, kind, strange, piece] of changes) {
      const places = placesOf(document);
      const [holder, name] = places[place % places.length] ?? ([document, 'document'] as const);
      if (kind === 0) delete holder[name];
      else if (kind === 1) holder[PIECES[piece] ?? ''] = holder[name];
      else holder[name] = structuredClone(STRANGE[strange]);
    }
    return Buffer.from(JSON.stringify(document.document) ?? '');
  });
}

type Holder = Record<string, unknown>;

/** Every member and element of a document, with what holds it. */
function placesOf(holder: object): readonly (readonly [Holder, string])[] {
  return Object.entries(holder).flatMap(([name, value]) => [
    [holder as Holder, name] as const,
    ...(typeof value === 'object' && value !== null ? placesOf(value as object) : []),
  ]);
}

/** An input may take this long on a busy machine; what is bounded takes a hundredth of it. */
const MOST_MS = 5_000;

/**
 * Whatever the input is, a parser gives a result or throws an error of ours, which names no place in our source; it ends
 * soon, and changes no prototype. `refusals`: further classes that its callers turn into errors of ours.
 */
export async function isTidy<Input>(
  parse: (input: Input) => unknown,
  input: Input,
  refusals: readonly (new (...args: never[]) => Error)[] = [],
): Promise<void> {
  const begin = performance.now();
  try {
    await parse(input);
  } catch (error) {
    const known = error instanceof TsstackError || refusals.some((each) => error instanceof each);
    assert.ok(known, `not an error of ours: ${error instanceof Error ? error.stack : error}`);
    assert.notEqual((error as { readonly code?: unknown }).code, 'internal', String((error as Error).stack));
    assert.doesNotMatch((error as Error).message, /\n\s+at |node:internal|Cannot read prop|is not a function/);
  }
  assert.ok(performance.now() - begin < MOST_MS, `${Math.round(performance.now() - begin)} ms`);
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as Holder)['polluted'], undefined);
}

/** Tries a parser with inputs of an arbitrary; see `isTidy()` and `fuzzRuns()`. */
export async function fuzz<Input>(
  inputs: fc.Arbitrary<Input>,
  parse: (input: Input) => unknown,
  {
    runs = 60,
    refusals = [],
  }: { readonly runs?: number; readonly refusals?: readonly (new (...args: never[]) => Error)[] } = {},
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(inputs, (input) => isTidy(parse, input, refusals)),
    fuzzRuns(runs),
  );
}
