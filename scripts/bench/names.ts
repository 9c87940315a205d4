/**
 * Times lookups of a name inside a container: `node scripts/bench/names.ts`. Brings up a stack of two services, and asks
 * for one from the network namespace of the other: one question after the other, and 64 at the same time. Prints the
 * server's memory, too. What the client itself costs is in it: some 20 µs a question.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, RECURSION_DESIRED } from 'dns-packet';
import { command, median, TSSTACK } from './timing.ts';

const ROUNDS = 5;
const LOOKUPS = 20_000;
const [, script = '', gateway] = process.argv;

if (gateway === undefined) main();
else await client(gateway);

function main(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-bench-'));
  const file = join(scratch, 'stack.yaml');
  const service = '{command: [sleep, infinity], stop_grace_period: 0s}';
  writeFileSync(file, `name: tsstack-bench-names\nservices:\n  a: ${service}\n  b: ${service}\n`);
  command([TSSTACK, '-f', file, 'up', '-d']);
  try {
    const pid = /"pid": ?(\d+)/.exec(ask(TSSTACK, '-f', file, 'ps', '--format', 'json'))?.[1] ?? '';
    const address =
      /^nameserver (\S+)$/m.exec(ask(TSSTACK, '-f', file, 'exec', 'a', 'cat', '/etc/resolv.conf'))?.[1] ?? '';
    console.log(ask('nsenter', '-t', pid, '-n', process.execPath, script, address).trimEnd());
    console.log(`memory of the server: ${memory()}`);
  } finally {
    command([TSSTACK, '-f', file, 'down']);
    rmSync(scratch, { recursive: true });
  }
}

function ask(program: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${status}\n${stderr}`);
  return stdout;
}

/** Runs in the container's network namespace. */
async function client(address: string): Promise<void> {
  const single: number[] = [];
  const together: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const one = await lookUp(address, 1);
    const many = await lookUp(address, 64);
    if (round === 0) continue;
    single.push(one);
    together.push(many);
  }
  console.log(`one after the other: ${(median(single) * 1e6).toFixed(1)} µs a lookup`);
  console.log(`64 at the same time: ${Math.round(1 / median(together))} lookups a second`);
}

/** Seconds that one lookup takes. */
function lookUp(address: string, atOnce: number): Promise<number> {
  const packet = encode({ type: 'query', id: 1, flags: RECURSION_DESIRED, questions: [{ name: 'b', type: 'A' }] });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = createSocket('udp4');
  socket.on('error', reject);
  socket.connect(53, address, () => {
    const begin = process.hrtime.bigint();
    let sent = 0;
    let received = 0;
    const send = (): void => {
      sent += 1;
      socket.send(packet);
    };
    socket.on('message', (answer) => {
      received += 1;
      if (answer.readUInt16BE(6) !== 1) return reject(new Error('the answer has no address'));
      if (sent < LOOKUPS) send();
      else if (received === LOOKUPS) {
        socket.close();
        resolve(Number(process.hrtime.bigint() - begin) / 1e9 / LOOKUPS);
      }
    });
    for (let index = 0; index < atOnce; index += 1) send();
  });
  return promise;
}

function memory(): string {
  const pid = readdirSync('/proc').find((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').startsWith('tsstack serve');
    } catch {
      return false;
    }
  });
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (...fields: string[]): string => {
    const kib = fields.map((field) => Number(new RegExp(`^${field}: +(\\d+)`, 'm').exec(rollup)?.[1] ?? 0));
    return `${(kib.reduce((sum, each) => sum + each, 0) / 1024).toFixed(1)} MiB`;
  };
  return `${mebibytes('Pss')} proportional, ${mebibytes('Private_Clean', 'Private_Dirty')} private`;
}
