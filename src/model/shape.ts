/** What is done to the packets of one direction of an interface. What is absent is not done; at least one is there. */
export interface Shape {
  /** Bits in a second that pass at most. */
  readonly rateBits?: number;
  /** Time that each packet is held, microseconds. */
  readonly delayUs?: number;
  /** How much more or less than `delayUs` that is, by chance. */
  readonly jitterUs?: number;
  /** Percent of the packets, 0 to 100: dropped; sent without the delay; sent twice; with a bit turned over. */
  readonly lossPercent?: number;
  readonly reorderPercent?: number;
  readonly duplicatePercent?: number;
  readonly corruptPercent?: number;
  /** Packets that wait at most; what is beyond that is dropped. Absent: as many as rate and delay ask for. */
  readonly limitPackets?: number;
}

/** Seen from the container: what it sends and what it gets. */
export const DIRECTIONS = ['outbound', 'inbound'] as const;

/** How an interface is shaped. A direction that is absent is not. */
export type LinkShape = { readonly [Direction in (typeof DIRECTIONS)[number]]?: Shape };

/** `10mbit, delay 80ms ± 10ms, loss 1% (each way)`; `out: …; in: …` where the directions differ. */
export function describeLink({ outbound, inbound }: LinkShape): string {
  const out = outbound === undefined ? undefined : describeShape(outbound);
  const back = inbound === undefined ? undefined : describeShape(inbound);
  if (out !== undefined && out === back) return `${out} (each way)`;
  const parts = [...(out === undefined ? [] : [`out: ${out}`]), ...(back === undefined ? [] : [`in: ${back}`])];
  return parts.length === 0 ? 'not shaped' : parts.join('; ');
}

/** `10mbit, delay 80ms ± 10ms, loss 1%`. */
export function describeShape(shape: Shape): string {
  const percents = (['loss', 'reorder', 'duplicate', 'corrupt'] as const).flatMap((name) => {
    const percent = shape[`${name}Percent`];
    return percent === undefined ? [] : `${name} ${percent}%`;
  });
  const jitter = shape.jitterUs === undefined ? '' : ` ± ${timeText(shape.jitterUs)}`;
  return [
    ...(shape.rateBits === undefined ? [] : [rateText(shape.rateBits)]),
    ...(shape.delayUs === undefined ? [] : [`delay ${timeText(shape.delayUs)}${jitter}`]),
    ...percents,
    ...(shape.limitPackets === undefined ? [] : [`limit ${shape.limitPackets}`]),
  ].join(', ');
}

function rateText(bits: number): string {
  for (const [unit, size] of [
    ['gbit', 1e9],
    ['mbit', 1e6],
    ['kbit', 1e3],
  ] as const) {
    if (bits >= size) return `${Number((bits / size).toFixed(3))}${unit}`;
  }
  return `${bits}bit`;
}

function timeText(us: number): string {
  if (us >= 1e6) return `${us / 1e6}s`;
  return us >= 1000 ? `${us / 1000}ms` : `${us}us`;
}
