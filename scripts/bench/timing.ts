import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const TSSTACK = join(ROOT, 'bin/tsstack');

/** Runs a command that must succeed; its wall-clock milliseconds. */
export function command(argv: readonly string[]): number {
  const [program = '', ...args] = argv;
  const start = process.hrtime.bigint();
  const done = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (done.status !== 0) throw new Error(`${argv.join(' ')}: status ${done.status}\n${done.stderr ?? done.error}`);
  return took;
}

export function repeat(count: number, once: () => number): number[] {
  return Array.from({ length: count }, once);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
