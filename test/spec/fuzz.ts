import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { InvalidStackError, TsstackError } from '../../src/model/error.ts';
import { loadStack } from '../../src/spec/load.ts';
import { mutateBytes, Random } from './mutate.ts';
import { sharedPath } from './shared.ts';

/** An input may take this long; the largest file takes a fifth of it on a busy machine. */
const mostMs = 5_000;

export interface Fuzzed {
  readonly loaded: number;
  readonly refused: number;
  readonly slowestMs: number;
}

interface Seed {
  readonly directory: string;
  readonly bytes: Buffer;
}

/** Every small YAML file of the reference data. */
function seeds(mostBytes: number): readonly Seed[] {
  return ['compose', 'security/bad-yaml'].flatMap((folder) =>
    readdirSync(sharedPath(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(sharedPath(folder), name))
      .map((path) => ({ directory: dirname(path), bytes: readFileSync(path) }))
      .filter(({ bytes }) => bytes.length > 0 && bytes.length <= mostBytes),
  );
}

/**
 * Loads damaged files: each must load or give diagnostics that point into it and make sense, soon. Throws at the first
 * that does not, with the text; the same `seed` gives the same inputs.
 */
export function fuzz(count: number, seed: number, progress: (done: number) => void = () => undefined): Fuzzed {
  const random = new Random(seed);
  const files = seeds(16 * 1024);
  const counts = { loaded: 0, refused: 0, slowestMs: 0 };
  for (let done = 0; done < count; done += 1) {
    const { directory, bytes } = random.pick(files);
    let damaged = bytes;
    for (let left = 1 + random.below(2); left > 0; left -= 1) damaged = mutateBytes(damaged, random);
    const begin = performance.now();
    counts[outcome(damaged.toString(), directory)] += 1;
    const ms = performance.now() - begin;
    assert.ok(ms < mostMs, `${Math.round(ms)} ms for\n${damaged.toString()}`);
    counts.slowestMs = Math.max(counts.slowestMs, ms);
    if (done % 10_000 === 0) progress(done);
  }
  return counts;
}

function outcome(stdin: string, projectDirectory: string): 'loaded' | 'refused' {
  const env = { HOME: '/home/user' };
  const request = { files: ['-'], stdin, cwd: projectDirectory, env, envFiles: [], projectDirectory, services: [] };
  try {
    const { stack, diagnostics } = loadStack({ ...request, profiles: ['*'] });
    assert.ok(Object.keys(stack).length > 0);
    for (const each of diagnostics) checkSense(each, stdin);
    return 'loaded';
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(error instanceof TsstackError, `${String(error instanceof Error ? error.stack : error)}\n${stdin}`);
    if (!(error instanceof InvalidStackError)) return 'refused';
    const { diagnostics } = error;
    assert.ok(
      diagnostics.some(({ severity }) => severity === 'error'),
      stdin,
    );
    for (const each of diagnostics) checkSense(each, stdin);
    return 'refused';
  }
}

/** A position inside the text, its excerpt, and words that no bug has put there. */
function checkSense(diagnostic: Diagnostic, text: string): void {
  const { code, message, hint = '', position, excerpt } = diagnostic;
  const shown = `${JSON.stringify(diagnostic)}\n${text}`;
  assert.match(code, /^[a-z-]+(\.[a-z-]+)?$/, shown);
  assert.ok(message.length > 5, shown);
  const slips = /\.(?:nan|inf)/i.test(text) ? /undefined|\[object/ : /undefined|\[object|NaN|Infinity/;
  assert.doesNotMatch(`${message} ${hint}`, slips, shown);
  assert.equal(position === undefined, excerpt === undefined, shown);
  if (position === undefined || excerpt === undefined || position.file !== '<stdin>') return;
  const line = text.replace(/^\ufeff/, '').split('\n')[position.line - 1];
  assert.ok(line !== undefined, shown);
  assert.ok(position.column >= 1 && position.column <= line.length + 1, shown);
  assert.ok(position.length >= 1, shown);
  assert.match(excerpt, new RegExp(`^> +${position.line} \\|`, 'm'), shown);
  assert.match(excerpt, /\^/, shown);
}
