/**
 * Times whole commands as a user types them, client start included, and prints medians beside Docker Compose's where
 * the peers rig is running. `npm run bench -- [--sizes 1,10,100] [--config-sizes 100,1000,10000] [--runs 5] [--json]`;
 * an empty list of sizes leaves these out.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Row, render, type Workload } from './report.ts';
import { command, median, ROOT, repeat, TSSTACK } from './timing.ts';
import { type ConfigKind, prepareOurs, preparePeer, type Tool } from './tools.ts';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1,10,100' },
    'config-sizes': { type: 'string', default: '100,1000,10000' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const sizes = numbers(options.sizes);
const configSizes = numbers(options['config-sizes']);
const runs = Number(options.runs);
main();

function main(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-bench-'));
  try {
    command(['sh', join(ROOT, 'examples/rootfs/build.sh')]);
    const ours = prepareOurs(scratch, { sizes, configSizes });
    const peer = preparePeer({ sizes, configSizes });
    const floorMs = median(repeat(15, () => command([process.execPath, '-e', '0'])));
    const tools = peer === undefined ? [ours] : [ours, peer];
    const config = configSizes.flatMap((services) => measure(services, tools, configOnce));
    const coldMs = sizes.length === 0 ? Number.NaN : median(repeat(runs, () => coldUp(ours)));
    const cycles = (): Row[] => sizes.flatMap((services) => measure(services, tools, cycle));
    const rows = [...config, ...(sizes.length === 0 ? [] : withKeeper(scratch, cycles))];
    const report = { node: process.version, runs, floorMs, coldUpMs: coldMs, peer: peer?.name ?? null, rows };
    console.log(options.json ? JSON.stringify(report, undefined, 2) : render(report));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function numbers(list: string): readonly number[] {
  return list
    .split(',')
    .filter((each) => each !== '')
    .map(Number);
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

type Timings = Partial<Record<Workload, number>>;

/** The tools take turns, so that what else the machine does hits them alike; the first round only warms up. */
function measure(services: number, tools: readonly Tool[], once: (tool: Tool, services: number) => Timings): Row[] {
  const samples = new Map<string, number[]>();
  const workloads = new Set<Workload>();
  for (let round = -1; round < runs; round += 1) {
    for (const tool of tools) {
      for (const [workload, took] of Object.entries(once(tool, services))) {
        workloads.add(workload as Workload);
        const key = `${tool.name} ${workload}`;
        if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), Math.max(0, took - tool.overheadMs)]);
      }
    }
  }
  return [...workloads].map((workload) => ({
    workload,
    services,
    medians: Object.fromEntries(tools.map(({ name }) => [name, median(samples.get(`${name} ${workload}`) ?? [])])),
  }));
}

/** The file checked and printed; nothing is started. */
function configOnce(tool: Tool, services: number): Timings {
  const timed = (kind: ConfigKind, ...args: string[]): number => command(tool.configArgv(kind, services, args));
  return {
    config: timed('plain'),
    'config --format json': timed('plain', '--format', 'json'),
    'config, with ports and depends_on': timed('linked'),
  };
}

function cycle(tool: Tool, services: number): Timings {
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
