import type { Resources } from '../model/limits.ts';

/** The kernel keeps memory limits in pages. */
const PAGE_BYTES = 4096;

/** v1 shows its greatest number of pages, v2 `max`: both mean no limit. */
const V1_UNLIMITED = 9_223_372_036_854_771_000;

/** Does a limit as the kernel shows it mean `bytes` (undefined: none)? It rounds down to pages, of up to 64 KiB. */
export function sameMemory(shown: string, bytes: number | undefined): boolean {
  const value = parseMemory(shown);
  if (bytes === undefined || value === undefined) return bytes === value;
  return value <= bytes && bytes - value < 16 * PAGE_BYTES;
}

/** Bytes of a limit as the kernel shows it; undefined: none. */
export function parseMemory(shown: string): number | undefined {
  const text = shown.trim();
  const value = Number(text);
  return text === '' || text === 'max' || !(value < V1_UNLIMITED) ? undefined : value;
}

/** Memory limit; undefined: none. */
export function memoryLimit(resources: Resources): number | undefined {
  return positive(resources.memoryBytes);
}

export function memoryReservation(resources: Resources): number | undefined {
  return positive(resources.memoryReservationBytes);
}

/**
 * Memory and swap together; undefined: none. Not said, it is twice the memory limit, as Docker has it (docker run,
 * `--memory-swap`).
 */
export function memoryAndSwapLimit(resources: Resources): number | undefined {
  const memory = memoryLimit(resources);
  if (memory === undefined || resources.memorySwapBytes === -1) return undefined;
  return positive(resources.memorySwapBytes) ?? memory * 2;
}

/** Compose writes "no limit" as 0 or -1. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
