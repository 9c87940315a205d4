import { nearest } from '../lib/nearest.ts';

/** The candidate that `word` was most likely meant to be, or to begin; undefined when none is near enough. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const near = nearest(word, candidates);
  if (near !== undefined || word.length <= 2) return near;
  return candidates.filter((each) => each.startsWith(word)).sort((left, right) => left.length - right.length)[0];
}
