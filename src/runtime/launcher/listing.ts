import type { Call } from './program.ts';

/**
 * The calls in words, one a line: `12 mount: proc on /proc`. Neighbours that do the same to different numbers share a
 * line: `5-66 rt_sigaction: …`.
 */
export function listCalls(calls: readonly Call[]): string {
  const lines: { first: number; last: number; text: string }[] = [];
  for (const [index, call] of calls.entries()) {
    const text = `${call.name}: ${printable(call.words)}`;
    const previous = lines.at(-1);
    if (previous?.text === text) previous.last = index;
    else lines.push({ first: index, last: index, text });
  }
  return lines.map(({ first, last, text }) => `${first === last ? first : `${first}-${last}`} ${text}\n`).join('');
}

/** A path or a name may hold anything; a line of the listing is one line. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
