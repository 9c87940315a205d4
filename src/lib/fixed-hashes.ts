/**
 * The client runs with the string hashes that V8 was built with (bin/tsstack, docs/decisions/start.md): making new ones is
 * a quarter of Node's start. Who knows them can write keys that all collide, and then every look-up takes as long as
 * there are keys.
 */
const FIXED = '--no-rehash-snapshot';

/** As much of others' text as may be read with fixed hashes, in code units: of 64 Ki, all keys may collide. */
export const MOST_WITH_FIXED_HASHES = 64 * 1024;

/** Where hashes are fixed, runs the same command once more from its beginning, with hashes of its own. */
export function leaveFixedHashes(): void {
  if (!process.execArgv.includes(FIXED)) return;
  const flags = process.execArgv.filter((flag) => flag !== FIXED);
  process.execve?.(process.execPath, [process.argv0, ...flags, '--', ...process.argv.slice(1)], process.env);
}
