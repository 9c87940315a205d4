import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { chooseUplink, type UplinkTool } from '../model/uplink.ts';
import { lookAt, type Process } from './processes.ts';

/** What DNS questions in the namespaces are sent to: pasta passes them on to the machine's own server. */
export const PASTA_DNS = '169.254.1.53';
/** slirp4netns(1), "--configure". */
export const SLIRP_DNS = '10.0.2.3';
/** It takes 0.1 s; pasta without a usable /dev/net/tun waits for ever, and does not heed SIGTERM. */
const START_DEADLINE_MS = 60_000;

/** Throws, saying what is lacking. */
export function uplinkTool(): UplinkTool {
  const tool = chooseUplink(hasTool, readFileSync('/proc/net/route', 'utf8'));
  if (tool !== undefined) return tool;
  throw new Error(
    hasTool('pasta')
      ? 'pasta needs a default route of this machine, which has none, and there is no slirp4netns'
      : 'there is neither pasta nor slirp4netns',
  );
}

function hasTool(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(`${directory}/${name}`));
}

/** Connects the network namespace of `keeper` to the machine's network. Throws what the tool said. */
export function startUplink(tool: UplinkTool, keeper: Process, directory: string): Promise<Process> {
  return tool === 'pasta' ? Promise.resolve(startPasta(keeper, directory)) : startSlirp(keeper, directory);
}

/** It goes to the background when the network is there. Nothing of the machine's loopback, no ports of its own accord. */
function startPasta({ pid }: Process, directory: string): Process {
  const pidFile = `${directory}/pasta.pid`;
  const noPorts = ['-t', '-u', '-T', '-U'].flatMap((option) => [option, 'none']);
  const argv = ['--config-net', '--no-map-gw', '--dns-forward', PASTA_DNS, ...noPorts, '--quiet', '-P', pidFile];
  const { status, signal, stderr } = spawnSync('pasta', [...argv, String(pid)], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: START_DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  if (status !== 0) throw new Error(`pasta ended with ${status ?? signal}: ${stderr.trim()}`);
  const found = lookAt(Number(readFileSync(pidFile, 'utf8')));
  if (found === undefined) throw new Error('pasta ended');
  return found;
}

function startSlirp({ pid }: Process, directory: string): Promise<Process> {
  const argv = ['--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--ready-fd=3'];
  const log = openSync(`${directory}/log`, 'a', 0o600);
  const child = spawn('slirp4netns', [...argv, String(pid), 'tap0'], {
    detached: true,
    stdio: ['ignore', 'ignore', log, 'pipe'],
  });
  child.unref();
  return readyOf(child, child.stdio[3], 'slirp4netns');
}

/** Its process when `stream` says something. */
export function readyOf(child: ChildProcess, stream: unknown, name: string): Promise<Process> {
  const { promise, resolve, reject } = Promise.withResolvers<Process>();
  const fail = (why: string): void => reject(new Error(`${name} ${why}`));
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    fail(`said nothing within ${START_DEADLINE_MS / 1000} s`);
  }, START_DEADLINE_MS);
  const readable = stream as NodeJS.ReadableStream;
  readable.once('data', () => {
    const found = lookAt(child.pid ?? 0);
    if (found === undefined) fail('ended');
    else resolve(found);
  });
  child.once('error', ({ message }) => fail(message));
  child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
  return promise.finally(() => clearTimeout(timer));
}
