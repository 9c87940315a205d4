/**
 * Times loading, pulling and unpacking one image as a user does, beside the peers of the rig in turn, in one run, and watches
 * what memory our daemon takes meanwhile. The rig must have measured its section `images` once, which makes the image:
 *
 *   PEERS=…/peers PEERS_DIR=… node scripts/bench/images.ts [--runs 5] [--archive FILE]
 *
 * Ours is loading or pulling, and `create`, which unpacks; the peers unpack when they load or pull. Everything lies on the
 * file system of PEERS_DIR, which must be an ext4 with a journal for the figures to mean something elsewhere.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { command, median, ROOT, repeat, TSSTACK } from './timing.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    archive: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const PEERS = process.env['PEERS'] ?? resolve(ROOT, '../shared/peers');
const PEERS_DIR = process.env['PEERS_DIR'] ?? '/var/tmp/tsstack-peers';
const WORK = join(PEERS_DIR, 'work');
const ARCHIVE = options.archive ?? join(WORK, 'big.docker.tar');
const NAME = 'peers/big';
/** The rig's registry as its tools see it; ours is of the same kind, on this machine's loopback. */
const THEIR_REGISTRY = '127.0.0.1:5000';
const STACK = 'tsstack-bench-image';
const WATCHER = join(import.meta.dirname, 'watch-memory.ts');

/** One way to do a thing: what is timed, and what has to be taken away before the next run. */
interface Way {
  readonly name: string;
  readonly clean: () => void;
  /** Milliseconds, of the parts and in sum. */
  readonly run: () => Readonly<Record<string, number>>;
}

const scratch = join(PEERS_DIR, `tsstack-bench-${process.pid}`);
const env = { ...process.env, TSSTACK_STATE_DIR: join(scratch, 'state'), TSSTACK_RUN_DIR: join(scratch, 'run') };

main();

function main(): void {
  mkdirSync(scratch, { recursive: true });
  const registry = startRegistry();
  const memory = watchMemory();
  try {
    const overheadMs = median(repeat(9, () => command([join(PEERS, 'peers-exec'), 'true'])));
    const load = measure([oursLoading(), ...peersLoading()], overheadMs);
    const pull = measure([oursPulling(registry.host), ...peersPulling()], overheadMs);
    const report = { node: process.version, runs: Number(options.runs), load, pull, daemon: memory.stop() };
    console.log(options.json ? JSON.stringify(report, undefined, 2) : render(report));
  } finally {
    removeOurs();
    memory.stop();
    registry.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function oursLoading(): Way {
  return {
    name: 'tsstack',
    clean: removeOurs,
    run: () => sum({ load: ours('image', 'load', '-q', '-i', ARCHIVE), unpack: create(NAME) }),
  };
}

function oursPulling(host: string): Way {
  const name = `${host}/big:1`;
  command(['skopeo', 'copy', '-q', '--dest-tls-verify=false', `docker-archive:${ARCHIVE}`, `docker://${name}`]);
  return {
    name: 'tsstack',
    clean: removeOurs,
    run: () => sum({ pull: ours('image', 'pull', '-q', name), unpack: create(name) }),
  };
}

function peersLoading(): readonly Way[] {
  const archive = `/peers/${ARCHIVE.slice(WORK.length + 1)}`;
  const skopeo = () => {
    const copied = inRig('skopeo', 'copy', '-q', `docker-archive:${archive}`, 'oci:/peers/bench-oci:big');
    const unpacked = inRig('umoci', 'unpack', '--image', '/peers/bench-oci:big', '/peers/bench-bundle');
    return sum({ copy: copied, unpack: unpacked });
  };
  return [
    { name: 'docker', clean: removeDocker, run: () => sum({ load: inRig('docker', 'load', '-q', '-i', archive) }) },
    { name: 'podman', clean: removePodman, run: () => sum({ load: inRig('podman', 'load', '-q', '-i', archive) }) },
    { name: 'skopeo + umoci', clean: removeLayout, run: skopeo },
  ];
}

function peersPulling(): readonly Way[] {
  const name = `${THEIR_REGISTRY}/big:1`;
  const archive = `docker-archive:/peers/${ARCHIVE.slice(WORK.length + 1)}`;
  inRig('skopeo', 'copy', '-q', '--dest-tls-verify=false', archive, `docker://${name}`);
  const skopeo = () => {
    const copied = inRig(
      'skopeo',
      'copy',
      '-q',
      '--src-tls-verify=false',
      `docker://${name}`,
      'oci:/peers/bench-oci:big',
    );
    return sum({
      copy: copied,
      unpack: inRig('umoci', 'unpack', '--image', '/peers/bench-oci:big', '/peers/bench-bundle'),
    });
  };
  const podman = () => sum({ pull: inRig('podman', 'pull', '-q', '--tls-verify=false', name) });
  return [
    { name: 'docker', clean: removeDocker, run: () => sum({ pull: inRig('docker', 'pull', '-q', name) }) },
    { name: 'podman', clean: removePodman, run: podman },
    { name: 'skopeo + umoci', clean: removeLayout, run: skopeo },
  ];
}

/** Tools take turns, so that what else the machine does hits them alike; the first round only warms up. */
function measure(ways: readonly Way[], overheadMs: number): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const samples = new Map<string, Record<string, number[]>>();
  for (let round = -1; round < Number(options.runs); round += 1) {
    for (const { name, clean, run } of ways) {
      clean();
      command(['sync', '-f', PEERS_DIR]);
      const found = samples.get(name) ?? {};
      samples.set(name, found);
      const parts = run();
      console.error(`round ${round}: ${name}: ${parts['all']?.toFixed(0)} ms`);
      for (const [part, took] of Object.entries(parts)) {
        if (round >= 0) found[part] = [...(found[part] ?? []), took - (name === 'tsstack' ? 0 : overheadMs)];
      }
      clean();
    }
  }
  return Object.fromEntries(
    [...samples].map(([name, parts]) => [
      name,
      Object.fromEntries(Object.entries(parts).map(([part, values]) => [part, median(values)])),
    ]),
  );
}

function sum(parts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return { ...parts, all: Object.values(parts).reduce((total, each) => total + each, 0) };
}

function ours(...args: readonly string[]): number {
  return timed(TSSTACK, args, env);
}

/** A container of the image, not started. */
function create(image: string): number {
  const file = join(scratch, 'stack.yaml');
  const service = `{image: "${image}", command: [/hello], network_mode: none}`;
  writeFileSync(file, `name: ${STACK}\nservices:\n  s: ${service}\n`);
  return ours('-f', file, 'create');
}

function inRig(...argv: readonly string[]): number {
  return timed(join(PEERS, 'peers-exec'), argv, process.env);
}

function timed(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): number {
  const start = process.hrtime.bigint();
  const done = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment });
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${done.status}\n${done.stderr}`);
  return took;
}

function quietly(program: string, args: readonly string[], environment: NodeJS.ProcessEnv = process.env): void {
  spawnSync(program, args, { stdio: 'ignore', env: environment });
}

function removeOurs(): void {
  quietly(TSSTACK, ['-p', STACK, 'down'], env);
  quietly(TSSTACK, ['image', 'prune', '--all', '--force'], env);
}

function removeDocker(): void {
  quietly(join(PEERS, 'peers-exec'), ['docker', 'rmi', '-f', NAME, `${THEIR_REGISTRY}/big:1`]);
}

function removePodman(): void {
  quietly(join(PEERS, 'peers-exec'), ['podman', 'rmi', '-f', NAME, `localhost/${NAME}`, `${THEIR_REGISTRY}/big:1`]);
}

function removeLayout(): void {
  for (const name of ['bench-oci', 'bench-bundle']) rmSync(join(WORK, name), { recursive: true, force: true });
}

function startRegistry(): { readonly host: string; readonly stop: () => void } {
  const config = join(scratch, 'registry.yml');
  const host = `127.0.0.1:${20_000 + (process.pid % 10_000)}`;
  const storage = { filesystem: { rootdirectory: join(scratch, 'registry') } };
  writeFileSync(config, JSON.stringify({ version: '0.1', storage, http: { addr: host }, log: { level: 'error' } }));
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  command([
    'curl',
    '-s',
    '--retry',
    '50',
    '--retry-connrefused',
    '--retry-delay',
    '1',
    '-o',
    '/dev/null',
    `http://${host}/v2/`,
  ]);
  return { host, stop: () => void child.kill('SIGKILL') };
}

/** Samples PSS of the daemon ten times a second, from a process of its own: this one waits for programs. */
function watchMemory(): { readonly stop: () => Readonly<Record<string, number>> } {
  const file = join(scratch, 'memory');
  writeFileSync(file, '');
  const watcher = spawn(process.execPath, [WATCHER, env.TSSTACK_RUN_DIR, file], { stdio: 'ignore' });
  return {
    stop: () => {
      watcher.kill('SIGKILL');
      const lines = readFileSync(file, 'utf8').trim().split('\n');
      const values = lines.map(Number);
      return { samples: values.length, 'median MiB': median(values), 'most MiB': Math.max(0, ...values) };
    },
  };
}

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>;

function render(report: {
  node: string;
  runs: number;
  load: Table;
  pull: Table;
  daemon: Readonly<Record<string, number>>;
}): string {
  const lines = [`${report.node}, medians of ${report.runs} runs, milliseconds`, ''];
  lines.push('| | tool | parts | all | peer ÷ ours |', '| --- | --- | --- | ---: | ---: |');
  for (const [what, table] of Object.entries({ load: report.load, pull: report.pull })) {
    const own = table['tsstack']?.['all'] ?? Number.NaN;
    for (const [tool, { all = Number.NaN, ...parts }] of Object.entries(table)) {
      const each = Object.entries(parts)
        .map(([part, took]) => `${part} ${took.toFixed(0)}`)
        .join(', ');
      lines.push(`| ${what} | ${tool} | ${each} | ${all.toFixed(0)} | ${(all / own).toFixed(2)} |`);
    }
  }
  const memory = Object.entries(report.daemon)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  return [...lines, '', `our daemon's memory (PSS): ${memory}`].join('\n');
}
