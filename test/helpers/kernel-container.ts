import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { buildExec } from '../../src/runtime/exec.ts';
import { readKernelFacts } from '../../src/runtime/kernel-facts.ts';
import { buildLaunch, explainLaunchFailure } from '../../src/runtime/launch.ts';
import type { ContainerPaths } from '../../src/store/paths.ts';
import { containerSpec } from './launch-config.ts';
import { readOnlyHost } from './read-host.ts';

const BUSYBOX = '/bin/busybox';
const DEADLINE_MS = 30_000;

/** What these tests need that is not there, or undefined. */
export function missingForKernelTests(): string | undefined {
  if (process.getuid?.() !== 0) return 'root';
  for (const tool of [BUSYBOX, '/bin/sh', '/usr/bin/unshare', '/sbin/ip']) if (!existsSync(tool)) return tool;
  return undefined;
}

export type RunningContainer = {
  readonly directory: string;
  readonly paths: ContainerPaths;
  /** Host pid of pid 1. */
  readonly pid: number;
  readonly log: () => string;
};

/** OVERLAYFS_SUPER_MAGIC of linux/magic.h. */
const OVERLAY_MAGIC = 0x794c7630;

/** Where containers' layers may lie: an overlay can't be the upper layer of another, and /tmp is one on some machines. */
function layersDirectory(): string {
  if (statfsSync(tmpdir()).type !== OVERLAY_MAGIC) return tmpdir();
  mkdirSync('/var/lib/tsstack', { recursive: true, mode: 0o700 });
  return '/var/lib/tsstack';
}

/** A place on the machine for the containers of one test: a directory, a network namespace, cgroups. */
export class Sandbox {
  readonly directory: string;
  readonly name: string;
  readonly kernel = readKernelFacts(readOnlyHost());
  readonly #cgroups: string[] = [];
  readonly #chains: number[] = [];
  #count = 0;

  constructor() {
    this.directory = mkdtempSync(join(layersDirectory(), 'tsstack-test-'));
    this.name = basename(this.directory);
    run('ip', 'netns', 'add', this.name);
    run('ip', '-n', this.name, 'link', 'set', 'lo', 'up');
    this.#makeCgroups();
  }

  get cgroupJoinFiles(): readonly string[] {
    const file = this.kernel.cgroupVersion === 2 ? 'cgroup.procs' : 'tasks';
    return this.#cgroups.map((path) => `${path}/${file}`);
  }

  /** A root filesystem of busybox with a link per applet. */
  rootfs(): string {
    const root = join(this.directory, this.#fresh('rootfs'));
    for (const name of ['bin', 'etc', 'tmp', 'root']) mkdirSync(join(root, name), { recursive: true });
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
    const applets = spawnSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
    for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    return root;
  }

  config(spec: Partial<ContainerSpec>, changes: Partial<LaunchConfig> = {}): LaunchConfig {
    const directory = join(this.directory, this.#fresh('container'));
    mkdirSync(directory);
    const path = (name: string) => join(directory, name);
    const paths: ContainerPaths = {
      directory,
      layers: path('layers'),
      launchScript: path('launch.sh'),
      launcher: path('launcher'),
      hosts: path('hosts'),
      resolvConf: path('resolv.conf'),
      hostname: path('hostname'),
      log: path('log'),
      errorLog: path('log.stderr'),
      stdin: path('stdin'),
      streams: path('streams'),
      init: path('init.stat'),
      chain: path('chain.stat'),
      exit: path('exit'),
    };
    return {
      spec: containerSpec(spec),
      run: 1,
      rootfs: { lower: [this.rootfs()], overlays: [] },
      mounts: [],
      identity: { uid: 0, gid: 0, groups: [0], home: '/root' },
      paths,
      network: { type: 'path', path: `/run/netns/${this.name}` },
      cgroupJoinFiles: this.cgroupJoinFiles,
      kernel: this.kernel,
      ...changes,
    };
  }

  /** Starts it, with further descriptors open; throws an Error with what the launcher said when it could not. */
  async start(config: LaunchConfig, leaked: readonly number[] = []): Promise<RunningContainer> {
    const { paths } = config;
    const launch = buildLaunch(config);
    for (const directory of launch.directories) mkdirSync(directory, { recursive: true });
    for (const file of [paths.hosts, paths.resolvConf, paths.hostname]) writeFileSync(file, `${basename(file)}\n`);
    writeFileSync(paths.launchScript, launch.script);
    writeFileSync(paths.launcher, launch.launcher, { mode: 0o700 });
    const child = spawn('/bin/sh', [paths.launchScript], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...leaked],
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    if (child.pid !== undefined) this.#chains.push(child.pid);
    const report = await collect(child.stdio[3]);
    if (report.length > 0) {
      await ended;
      throw new Error(explainLaunchFailure(launch, report));
    }
    return {
      directory: paths.directory,
      paths,
      pid: Number.parseInt(readFileSync(paths.init, 'utf8'), 10),
      log: () => readFileSync(paths.log, 'utf8'),
    };
  }

  /** Waits for the end; gives the exit file's text. */
  async exit(container: Pick<RunningContainer, 'paths'>): Promise<string> {
    const { paths } = container;
    return waitFor(paths.directory, () => (existsSync(paths.exit) ? readFileSync(paths.exit, 'utf8') : ''));
  }

  /** Starts it and waits for its end. */
  async run(config: LaunchConfig): Promise<{ status: string; output: string }> {
    const container = await this.start(config);
    return { status: await this.exit(container), output: container.log() };
  }

  /** Runs a program inside; `report` is what came out of the status pipe. */
  async exec(
    container: RunningContainer,
    config: LaunchConfig,
    argv: readonly string[],
  ): Promise<{ status: number | null; stdout: string; stderr: string; report: string }> {
    const exec = buildExec({ ...execBase(config, container.pid), argv, tty: false });
    const { descriptor, close } = openLauncher(join(this.directory, this.#fresh('exec')), exec.launcher);
    const [program = '', ...args] = exec.argv;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', descriptor, 'ignore', 'pipe'] });
    close();
    const status = new Promise<number | null>((resolve) => child.once('close', resolve));
    const pipes: readonly unknown[] = child.stdio;
    const [stdout, stderr, report] = await Promise.all([pipes[1], pipes[2], pipes[5]].map(collect));
    return {
      status: await status,
      stdout: String(stdout),
      stderr: String(stderr),
      report: report === undefined || report.length === 0 ? '' : explainLaunchFailure(exec, report),
    };
  }

  /** Ends what runs and removes everything. */
  async remove(): Promise<void> {
    for (const file of this.cgroupJoinFiles) {
      await waitFor('/', () => {
        const pids = readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .filter((line) => line !== '');
        for (const pid of pids) kill(Number(pid));
        return pids.length === 0 ? 'empty' : '';
      });
    }
    for (const pid of this.#chains) await waitFor('/', () => (existsSync(`/proc/${pid}`) ? '' : 'gone'));
    for (const path of this.#cgroups) rmdirSync(path);
    run('ip', 'netns', 'del', this.name);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #fresh(prefix: string): string {
    this.#count += 1;
    return `${prefix}-${this.#count}`;
  }

  #makeCgroups(): void {
    const { cgroupVersion, cgroupMounts } = this.kernel;
    const mounts =
      cgroupVersion === 2
        ? ['/sys/fs/cgroup']
        : cgroupMounts.filter(({ options }) => /^(pids|devices|memory)$/.test(options)).map(({ path }) => path);
    for (const mount of mounts) {
      const path = `${mount}/${this.name}`;
      mkdirSync(path);
      this.#cgroups.push(path);
      if (!existsSync(`${path}/devices.deny`)) continue;
      writeFileSync(`${path}/devices.deny`, 'a');
      const allowed = ['c *:* m', 'b *:* m', 'c 136:* rwm', 'c 5:2 rwm', 'c 5:0 rwm'];
      for (const minor of [3, 5, 7, 8, 9]) allowed.push(`c 1:${minor} rwm`);
      for (const rule of allowed) writeFileSync(`${path}/devices.allow`, rule);
    }
  }
}

export function execBase(config: LaunchConfig, pid: number) {
  const { spec, identity, cgroupJoinFiles, kernel } = config;
  const { env, workingDir, security } = spec;
  const { privileged } = security;
  return { spec, pid, env, workingDir, identity, cgroupJoinFiles, kernel, privileged };
}

/** Writes a launcher, opens and unlinks it, as whoever performs an exec does. */
export function openLauncher(path: string, launcher: Uint8Array): { descriptor: number; close: () => void } {
  writeFileSync(path, launcher, { mode: 0o700 });
  const descriptor = openSync(path, 'r');
  rmSync(path);
  return { descriptor, close: () => closeSync(descriptor) };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function run(...argv: readonly string[]): void {
  const [program = '', ...args] = argv;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

async function collect(stream: unknown): Promise<Buffer> {
  if (!(stream instanceof Readable)) throw new Error('not a pipe to read from');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Asks again and again, until the answer is not empty. */
export async function waitFor(what: string, ask: () => string): Promise<string> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = ask();
    if (answer !== '') return answer;
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
