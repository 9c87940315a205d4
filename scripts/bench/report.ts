export type Workload =
  | 'config'
  | 'config --format json'
  | 'config, with ports and depends_on'
  | 'up -d'
  | 'no-op up -d'
  | 'ps'
  | 'exec SERVICE true'
  | 'down';

/** Peer ÷ ours that is aimed at, by workload and number of services. */
const TARGETS: Readonly<Record<string, number>> = {
  'config 100': 2,
  'up -d 1': 3,
  'up -d 10': 6,
  'up -d 100': 9,
  'no-op up -d 100': 2,
  'ps 100': 3,
  'exec SERVICE true 1': 2,
  'down 100': 30,
};

export interface Row {
  readonly workload: Workload;
  readonly services: number;
  /** Medians in milliseconds, by tool. */
  readonly medians: Record<string, number>;
}

export interface Report {
  readonly node: string;
  readonly runs: number;
  readonly floorMs: number;
  readonly coldUpMs: number;
  readonly peer: string | null;
  readonly rows: readonly Row[];
}

export function render({ node, runs, floorMs, coldUpMs, peer, rows }: Report): string {
  const head = peer === null ? ['tsstack ms'] : ['tsstack ms', `${peer} ms`, 'ratio', 'target'];
  const table = rows.map(({ workload, services, medians }) => {
    const ours = medians['tsstack'] ?? Number.NaN;
    const cells = [workload, services, ours.toFixed(0)];
    if (peer === null) return cells;
    const theirs = medians[peer] ?? Number.NaN;
    const target = TARGETS[`${workload} ${services}`];
    return [...cells, theirs.toFixed(0), (theirs / ours).toFixed(1), target === undefined ? '' : `≥ ${target}`];
  });
  const cold = Number.isNaN(coldUpMs) ? '' : `; up -d, 1 service, cold daemon: ${coldUpMs.toFixed(0)} ms`;
  return [
    `${node}, medians of ${runs} runs; node -e 0: ${floorMs.toFixed(0)} ms${cold}`,
    '',
    `| workload | services | ${head.join(' | ')} |`,
    `| --- | ---: |${' ---: |'.repeat(head.length)}`,
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}
