/** Number of insertions, deletions, replacements and neighbour swaps between two words, or `limit + 1` if more. */
function distance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const current = [i];
    for (let j = 1; j <= right.length; j++) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    if (Math.min(...current) > limit) return limit + 1;
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? limit + 1;
}

/** The candidate that was most likely meant, or undefined when none is close (a third of the word, at most 3). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined;
  const normal = (text: string) => text.toLowerCase().replaceAll('-', '_');
  const wanted = normal(word);
  let limit = Math.min(3, Math.max(1, Math.floor(word.length / 3)));
  let best: string | undefined;
  for (const candidate of candidates) {
    const far = distance(wanted, normal(candidate), limit);
    if (far > limit) continue;
    best = candidate;
    if (far === 0) return best;
    limit = far - 1;
    if (limit < 0) break;
  }
  return best;
}

/** The hint `did you mean "x"?`, if a candidate is close. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(word, candidates);
  return found === undefined ? undefined : `did you mean "${found}"?`;
}
