import { readFileSync } from 'node:fs';
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { didYouMean } from '../lib/nearest.ts';
import { parseBytes } from '../lib/parse-bytes.ts';
import { TsstackError } from '../model/error.ts';
import { DEFAULT_LIMITS, LIMITS_FILE, type UnpackLimits } from './limits.ts';

/** What the file calls each limit. */
const NAMES: Readonly<Record<string, keyof UnpackLimits>> = {
  unpacked: 'unpackedBytes',
  entries: 'entries',
  ratio: 'ratio',
  devices: 'devices',
};

/**
 * What this machine lets one image cost: the defaults, with what its file of limits says otherwise. The file is read anew
 * each time. Throws `usage` with file and line for one that is wrong.
 */
export function machineLimits(path: string = process.env['TSSTACK_LIMITS'] ?? LIMITS_FILE): UnpackLimits {
  const text = readIfThere(path);
  if (text === undefined) return DEFAULT_LIMITS;
  const lines = new LineCounter();
  const place = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw new TsstackError('usage', `${place(error.pos[0])}: ${error.message}`);
  if (document.contents === null) return DEFAULT_LIMITS;
  if (!isMap(document.contents)) throw new TsstackError('usage', `${place(0)}: the file must be a mapping`);
  const limits: { -readonly [Key in keyof UnpackLimits]: number } = { ...DEFAULT_LIMITS };
  for (const pair of document.contents.items as Pair<Node, Node | null>[]) {
    const [name, limit] = limitOf(pair, place);
    limits[name] = limit;
  }
  return limits;
}

function limitOf(
  { key, value }: Pair<Node, Node | null>,
  place: (offset: number) => string,
): readonly [keyof UnpackLimits, number] {
  const known = Object.keys(NAMES);
  const name = Object.hasOwn(NAMES, String(key)) ? NAMES[String(key)] : undefined;
  if (name === undefined) {
    const hint = didYouMean(String(key), known) ?? `Its keys are ${known.join(', ')}`;
    throw new TsstackError('usage', `${place(key.range?.[0] ?? 0)}: unknown key ${JSON.stringify(String(key))}`, {
      hint,
    });
  }
  const written: unknown = isScalar(value) ? value.value : undefined;
  const isText = typeof written === 'number' || (typeof written === 'string' && name === 'unpackedBytes');
  const limit = isText ? parseBytes(written) : undefined;
  if (limit !== undefined && limit > 0) return [name, limit];
  throw new TsstackError('usage', `${place(value?.range?.[0] ?? key.range?.[0] ?? 0)}: ${String(key)} is no limit`, {
    hint: `Write a number above 0${name === 'unpackedBytes' ? ', or a size such as 40g' : ''}`,
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new TsstackError('usage', `Cannot read ${path}: ${code ?? 'unknown error'}`, { cause: error });
  }
}
