/**
 * Times whole commands as a user types them, client start included, and prints medians beside Docker Compose's where
 * the peers rig is running. `npm run bench -- [--sizes 1,10,100] [--runs 5] [--json]`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = resolve(import.meta.dirname, '..');
const TSSTACK = join(ROOT, 'bin/tsstack');
const PEERS = process.env['PEERS'] ?? resolve(ROOT, '../shared/peers');
/** What the rig sees as /peers. */
const PEERS_WORK = join(process.env['PEERS_DIR'] ?? '/var/tmp/tsstack-peers', 'work');

type Workload = 'up -d' | 'no-op up -d' | 'ps' | 'exec SERVICE true' | 'down';
const WORKLOADS: readonly Workload[] = ['up -d', 'no-op up -d', 'ps', 'exec SERVICE true', 'down'];

/** Peer ÷ ours that is aimed at, by workload and number of services. */
const TARGETS: Readonly<Record<string, number>> = {
  'up -d 1': 3,
  'up -d 10': 6,
  'up -d 100': 9,
  'no-op up -d 100': 2,
  'ps 100': 3,
  'exec SERVICE true 1': 2,
  'down 100': 30,
};

/** One tool that can be asked to do a workload on the stack of `services` services. */
interface Tool {
  readonly name: string;
  readonly argv: (services: number, args: readonly string[]) => readonly string[];
  readonly execArgs: readonly string[];
  /** Milliseconds that the way to the tool costs, which are taken off. */
  readonly overheadMs: number;
}

interface Row {
  readonly workload: Workload;
  readonly services: number;
  /** Medians in milliseconds, by tool. */
  readonly medians: Record<string, number>;
}

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1,10,100' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const sizes = options.sizes.split(',').map(Number);
const runs = Number(options.runs);
main();

function main(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-bench-'));
  try {
    command(['sh', join(ROOT, 'examples/rootfs/build.sh')]);
    const ours = prepareOurs(scratch);
    const peer = preparePeer();
    const floorMs = median(repeat(15, () => command([process.execPath, '-e', '0'])));
    const coldMs = median(repeat(runs, () => coldUp(ours)));
    const rows = withKeeper(scratch, () =>
      sizes.flatMap((services) => measure(services, peer === undefined ? [ours] : [ours, peer])),
    );
    const report = { node: process.version, runs, floorMs, coldUpMs: coldMs, peer: peer?.name ?? null, rows };
    console.log(options.json ? JSON.stringify(report, undefined, 2) : render(report));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function prepareOurs(scratch: string): Tool {
  for (const services of new Set([...sizes, 1])) {
    writeStack(join(scratch, `bench-${services}.yaml`), services, `x-rootfs: ${ROOT}/examples/rootfs/build/rootfs`);
  }
  return {
    name: 'tsstack',
    argv: (services, args) => [TSSTACK, '-f', join(scratch, `bench-${services}.yaml`), ...args],
    execArgs: ['exec'],
    overheadMs: 0,
  };
}

/** Docker Compose in the peers rig; undefined, with a word on standard error, when the rig is not running. */
function preparePeer(): Tool | undefined {
  const enter = join(PEERS, 'peers-exec');
  if (!existsSync(enter) || spawnSync(enter, ['docker', 'version'], { stdio: 'ignore' }).status !== 0) {
    console.error(`bench: Docker is not measured: ${PEERS}/setup-peers has not been run`);
    return undefined;
  }
  for (const services of sizes) {
    mkdirSync(join(PEERS_WORK, `tsstack-bench-${services}`), { recursive: true });
    writeStack(join(PEERS_WORK, `tsstack-bench-${services}/compose.yaml`), services, 'image: peers/busybox');
  }
  return {
    name: 'docker compose',
    argv: (services, args) => {
      const file = `/peers/tsstack-bench-${services}/compose.yaml`;
      return [enter, 'docker', 'compose', '--progress', 'quiet', '-f', file, ...args];
    },
    execArgs: ['exec', '-T'],
    overheadMs: median(repeat(15, () => command([enter, 'true']))),
  };
}

/** `stop_signal: SIGKILL`, since Docker would wait for ten seconds for a `sleep` that is PID 1. */
function writeStack(path: string, services: number, source: string): void {
  const entries = Array.from(
    { length: services },
    (_, index) => `  s${index}: {${source}, command: [sleep, infinity], stop_signal: SIGKILL}\n`,
  );
  writeFileSync(path, `name: tsstack-bench-${services}\nservices:\n${entries.join('')}`);
}

/** The first `up` of a machine on which no daemon runs. */
function coldUp(ours: Tool): number {
  const took = command(ours.argv(1, ['up', '-d']));
  command(ours.argv(1, ['down', '-v']));
  return took;
}

/** Keeps a stack of one service up meanwhile, so that the daemon stays. */
function withKeeper<T>(scratch: string, body: () => T): T {
  const file = join(scratch, 'keeper.yaml');
  writeFileSync(file, 'name: tsstack-bench-keeper\nservices:\n  keeper: {command: [sleep, infinity]}\n');
  command([TSSTACK, '-f', file, 'up', '-d']);
  try {
    return body();
  } finally {
    command([TSSTACK, '-f', file, 'down', '-v']);
  }
}

/** The tools take turns, so that what else the machine does hits them alike; the first round only warms up. */
function measure(services: number, tools: readonly Tool[]): Row[] {
  const samples = new Map<string, number[]>();
  for (let round = -1; round < runs; round += 1) {
    for (const tool of tools) {
      for (const [workload, took] of Object.entries(cycle(tool, services))) {
        const key = `${tool.name} ${workload}`;
        if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), Math.max(0, took - tool.overheadMs)]);
      }
    }
  }
  return WORKLOADS.map((workload) => ({
    workload,
    services,
    medians: Object.fromEntries(tools.map(({ name }) => [name, median(samples.get(`${name} ${workload}`) ?? [])])),
  }));
}

function cycle(tool: Tool, services: number): Record<Workload, number> {
  const timed = (...args: string[]): number => command(tool.argv(services, args));
  try {
    return {
      'up -d': timed('up', '-d'),
      'no-op up -d': timed('up', '-d'),
      ps: timed('ps'),
      'exec SERVICE true': timed(...tool.execArgs, 's0', 'true'),
      down: timed('down'),
    };
  } catch (error) {
    const [program = '', ...args] = tool.argv(services, ['down']);
    spawnSync(program, args, { stdio: 'ignore' });
    throw error;
  }
}

/** Runs a command that must succeed; its wall-clock milliseconds. */
function command(argv: readonly string[]): number {
  const [program = '', ...args] = argv;
  const start = process.hrtime.bigint();
  const done = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (done.status !== 0) throw new Error(`${argv.join(' ')}: status ${done.status}\n${done.stderr ?? done.error}`);
  return took;
}

function repeat(count: number, once: () => number): number[] {
  return Array.from({ length: count }, once);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

interface Report {
  readonly node: string;
  readonly runs: number;
  readonly floorMs: number;
  readonly coldUpMs: number;
  readonly peer: string | null;
  readonly rows: readonly Row[];
}

function render({ node, floorMs, coldUpMs, peer, rows }: Report): string {
  const head = peer === null ? ['tsstack ms'] : ['tsstack ms', `${peer} ms`, 'ratio', 'target'];
  const table = rows.map(({ workload, services, medians }) => {
    const ours = medians['tsstack'] ?? Number.NaN;
    const cells = [workload, services, ours.toFixed(0)];
    if (peer === null) return cells;
    const theirs = medians[peer] ?? Number.NaN;
    const target = TARGETS[`${workload} ${services}`];
    return [...cells, theirs.toFixed(0), (theirs / ours).toFixed(1), target === undefined ? '' : `≥ ${target}`];
  });
  return [
    `${node}, medians of ${runs} runs; node -e 0: ${floorMs.toFixed(0)} ms; up -d, 1 service, cold daemon: ${coldUpMs.toFixed(0)} ms`,
    '',
    `| workload | services | ${head.join(' | ')} |`,
    `| --- | ---: |${' ---: |'.repeat(head.length)}`,
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}
