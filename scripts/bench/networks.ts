/**
 * Times networks beside Docker's, where the rig runs: `node scripts/bench/networks.ts [--seconds 3] [--runs 5]`. Each tool
 * has a stack of two services on one network, `a` with a published port; then, in turn: TCP from container to container and
 * from the host to the port on 127.0.0.1, in Gbit/s (iperf3); a round trip of one byte between containers; a lookup of the
 * other container's name. The programs that measure are the same, and run in the containers' network namespaces. Making and
 * removing endpoints is in bench.ts: `up` and `down` by number of services.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { dockerPid, inRig, isRigRunning, PEERS_WORK, rigPid } from './rig.ts';
import { command, median, TSSTACK } from './timing.ts';

const PORT = 5201;
const PUBLISHED = 15_201;
const ECHO_PORT = 5202;
const ROUND_TRIPS = 20_000;
const script = import.meta.filename;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '3' }, runs: { type: 'string', default: '5' } },
});
interface Side {
  readonly name: string;
  /** Process ids of the containers, and of one that is on the host (0: this one). */
  readonly a: number;
  readonly b: number;
  readonly host: number;
}

async function main(): Promise<void> {
  if (spawnSync('iperf3', ['-v']).error !== undefined) throw new Error('iperf3 is missing: apt-get install iperf3');
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-bench-'));
  const service = (more: string): string => `{${more}command: [sleep, infinity], stop_grace_period: 0s}`;
  const stack = (more: string): string =>
    `name: bench-net\nservices:\n  a: ${service(`${more}ports: ["${PUBLISHED}:${PORT}"], `)}\n  b: ${service(more)}\n`;
  const file = join(scratch, 'stack.yaml');
  const docker = ['docker', 'compose', '--progress', 'quiet', '-f', '/peers/bench-net.yaml'];
  const peer = isRigRunning();
  try {
    writeFileSync(file, stack(''));
    command([TSSTACK, '-f', file, 'up', '-d']);
    const sides: Side[] = [{ name: 'tsstack', a: ownPid(file, 'a'), b: ownPid(file, 'b'), host: 0 }];
    if (peer) {
      writeFileSync(join(PEERS_WORK, 'bench-net.yaml'), stack('image: peers/busybox, '));
      inRig(...docker, 'up', '-d');
      sides.push({ name: 'docker', a: dockerPid('bench-net-a-1'), b: dockerPid('bench-net-b-1'), host: rigPid() });
    }
    await report(sides);
  } finally {
    if (peer) inRig(...docker, 'down');
    command([TSSTACK, '-f', file, 'down']);
    rmSync(scratch, { recursive: true });
  }
}

const WORKLOADS: Readonly<Record<string, (side: Side) => Promise<number>>> = {
  'container to container, Gbit/s': (side) => throughput(side, side.b, addressOf(side.a), PORT),
  'host to published port, Gbit/s': (side) => throughput(side, side.host, '127.0.0.1', PUBLISHED),
  'round trip of one byte, µs': roundTrip,
  'lookup of a name, µs': async ({ b }) => {
    const nameserver = /^nameserver (\S+)$/m.exec(run(b, true, 'cat', '/etc/resolv.conf'))?.[1] ?? '';
    const names = join(import.meta.dirname, 'names.ts');
    return Number(/([\d.]+) µs a lookup/.exec(run(b, false, process.execPath, names, nameserver))?.[1]);
  },
};

/** The tools take turns in every round. */
async function report(sides: readonly Side[]): Promise<void> {
  for (const [name, measure] of Object.entries(WORKLOADS)) {
    const found = new Map<string, number[]>(sides.map((side) => [side.name, []]));
    for (let round = 0; round < Number(options.runs); round += 1) {
      for (const side of sides) found.get(side.name)?.push(await measure(side));
    }
    const cells = [...found].map(([tool, values]) => `${tool} ${median(values).toFixed(1)}`);
    console.log(`${name}: ${cells.join(', ')}`);
  }
}

function ownPid(file: string, service: string): number {
  const { stdout } = spawnSync(TSSTACK, ['-f', file, 'ps', '--format', 'json', service], { encoding: 'utf8' });
  return Number(/"pid": ?(\d+)/.exec(stdout)?.[1]);
}

/** In the network namespace of a process, and with `inside` with its files. */
function enter(pid: number, inside = false): readonly string[] {
  return pid === 0 ? [] : ['nsenter', '-t', String(pid), '-n', ...(inside ? ['-m'] : []), '--'];
}

function run(pid: number, inside: boolean, ...argv: readonly string[]): string {
  const [program = '', ...args] = [...enter(pid, inside), ...argv];
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: status ${status}\n${stderr}`);
  return stdout;
}

function addressOf(pid: number): string {
  return /inet ([\d.]+)/.exec(run(pid, false, 'ip', '-4', 'addr', 'show', 'dev', 'eth0'))?.[1] ?? '';
}

async function throughput({ a }: Side, from: number, to: string, port: number): Promise<number> {
  const [program = '', ...args] = [...enter(a), 'iperf3', '-s', '-1', '-p', String(PORT)];
  const server = spawn(program, args, { stdio: 'ignore' });
  const ended = once(server, 'exit');
  await wait(300);
  const text = run(from, false, 'iperf3', '-J', '-c', to, '-p', String(port), '-t', options.seconds);
  await ended;
  const bits = /"sum_received":\s*\{[^}]*"bits_per_second":\s*([\d.e+]+)/.exec(text)?.[1];
  return Number(bits) / 1e9;
}

async function roundTrip({ a, b }: Side): Promise<number> {
  const [program = '', ...args] = [...enter(a), process.execPath, script, 'echo'];
  const server = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(server.stdout, 'data');
  try {
    return Number(run(b, false, process.execPath, script, 'call', addressOf(a)));
  } finally {
    server.kill();
  }
}

function echo(): void {
  const server = createServer((socket) => socket.setNoDelay().pipe(socket));
  server.listen(ECHO_PORT, () => console.log('ready'));
}

/** Prints the microseconds of one round trip. */
async function call(host: string): Promise<void> {
  const socket = connect({ host, port: ECHO_PORT, noDelay: true });
  await once(socket, 'connect');
  let left = ROUND_TRIPS;
  const begin = process.hrtime.bigint();
  socket.on('data', () => {
    left -= 1;
    if (left > 0) {
      socket.write('x');
      return;
    }
    console.log(Number(process.hrtime.bigint() - begin) / 1e3 / ROUND_TRIPS);
    socket.destroy();
  });
  socket.write('x');
}

const [mode, address = ''] = positionals;
if (mode === 'echo') echo();
else if (mode === 'call') await call(address);
else await main();
