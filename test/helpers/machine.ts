import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { FileStat, Host, RunOptions, RunResult } from '../../src/host/host.ts';
import type { HostOp } from '../../src/host/op.ts';

/**
 * A machine for kernel tests: this one, or namespaces of its own (network and mounts, with an empty /run) that stand for
 * one. Interprets host operations one process each, in order.
 */
export class Machine implements Host {
  readonly #enter: readonly string[];
  readonly #root: string;
  readonly #holder: ChildProcess | undefined;

  private constructor(holder: ChildProcess | undefined) {
    this.#holder = holder;
    this.#enter = holder === undefined ? [] : ['nsenter', '-t', String(holder.pid), '-n', '-m', '--'];
    this.#root = holder === undefined ? '' : `/proc/${holder.pid}/root`;
  }

  static here(): Machine {
    return new Machine(undefined);
  }

  /** A machine with a loopback interface, that forwards nothing. Call `close()`. */
  static async fresh(): Promise<Machine> {
    const script = `
      while umount -R /run/netns 2>/dev/null; do :; done
      mount -t tmpfs tmpfs /run && ip link set lo up
      echo 0 >/proc/sys/net/ipv4/ip_forward
      echo ready && exec cat`;
    return new Machine(await holdNamespaces(script));
  }

  /** The namespaces go with the process that holds them. */
  async close(): Promise<void> {
    const holder = this.#holder;
    if (holder === undefined || holder.exitCode !== null) return;
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    holder.stdin?.end();
    await ended;
  }

  /** The words that run a program on this machine, in one of its named namespaces if given. */
  argv(argv: readonly string[], netns?: string): readonly string[] {
    return [...this.#enter, ...(netns === undefined ? [] : ['ip', 'netns', 'exec', netns]), ...argv];
  }

  exec(argv: readonly string[], stdin = ''): RunResult {
    const [command = '', ...args] = this.argv(argv);
    const { status, stdout, stderr, error } = spawnSync(command, args, { input: stdin, encoding: 'utf8' });
    if (error !== undefined) throw error;
    return { stdout, stderr, exitCode: status ?? 128 };
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const result = this.exec(argv, String(options.stdin ?? ''));
    if (result.exitCode !== 0 && options.allowFailure !== true) throw failed(argv, result);
    return result;
  }

  async perform(ops: readonly HostOp[]): Promise<void> {
    for (const op of ops) this.#performOne(op);
  }

  #performOne(op: HostOp): void {
    if (op.op === 'mkdir') this.#mkdir(op);
    else if (op.op === 'write-in-place') this.#write(op);
    else if (op.op === 'rmdir') this.#rmdir(op);
    else if (op.op === 'ip') this.#ip(op);
    else if (op.op === 'tc') this.#tc(op);
    else if (op.op === 'nft') this.#must(['nft', '-f', '-'], op.script);
    else if (op.op === 'run') this.#must(op.argv, op.stdin);
    else throw new Error(`${op.op} is not for this machine`);
  }

  #mkdir(op: Extract<HostOp, { op: 'mkdir' }>): void {
    if (this.#holder === undefined) mkdirSync(op.path, { recursive: true });
    else this.#must(['mkdir', '-p', op.path]);
  }

  #write(op: Extract<HostOp, { op: 'write-in-place' }>): void {
    if (this.#holder === undefined) {
      if (op.tolerateAbsent !== true || existsSync(op.path)) writeFileSync(op.path, op.data, { flag: 'r+' });
      return;
    }
    // Looked at from inside: /proc/sys/net shows the network namespace of whoever looks.
    if (op.tolerateAbsent === true && this.exec(['test', '-e', op.path]).exitCode !== 0) return;
    this.#must(['sh', '-c', 'printf %s "$2" > "$1"', 'sh', op.path, op.data]);
  }

  #must(argv: readonly string[], stdin?: string): void {
    const result = this.exec(argv, stdin);
    if (result.exitCode !== 0) throw failed([...argv, stdin ?? ''], result);
  }

  #ip(op: Extract<HostOp, { op: 'ip' }>): void {
    const line = op.args.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ');
    const netns = op.netns === undefined ? [] : ['-n', op.netns];
    const attempt = () => this.exec(['ip', ...netns, '-batch', '-'], `${line}\n`);
    let result = attempt();
    if (op.evict !== undefined && /exists/.test(result.stderr)) {
      this.exec(['ip', ...netns, ...op.evict]);
      result = attempt();
    }
    const tolerable = { exists: /exists/, absent: /Cannot find device|No such file|does not exist/ };
    if (result.exitCode === 0 || (op.tolerate !== undefined && tolerable[op.tolerate].test(result.stderr))) return;
    throw failed(['ip', ...op.args], result);
  }

  #tc(op: Extract<HostOp, { op: 'tc' }>): void {
    const result = this.exec(['tc', ...op.args]);
    if (
      result.exitCode === 0 ||
      (op.tolerate !== undefined && /handle of zero|Invalid handle|Cannot find/.test(result.stderr))
    )
      return;
    throw failed(['tc', ...op.args], result);
  }

  #rmdir(op: Extract<HostOp, { op: 'rmdir' }>): void {
    if (this.stat(op.path) === undefined) return;
    const tree = ['find', op.path, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'];
    const result = this.exec(op.tree === true ? tree : ['rmdir', op.path]);
    if (result.exitCode !== 0 && op.tolerateNonEmpty !== true) throw failed(['rmdir', op.path], result);
  }

  readText(path: string): string | undefined {
    if (this.#holder === undefined) return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    const { stdout, exitCode } = this.exec(['cat', path]);
    return exitCode === 0 ? stdout : undefined;
  }

  readBytes(path: string): Uint8Array | undefined {
    const text = this.readText(path);
    return text === undefined ? undefined : Buffer.from(text);
  }

  readDirectory(path: string): readonly string[] {
    return existsSync(this.#root + path) ? readdirSync(this.#root + path).sort() : [];
  }

  stat(path: string): FileStat | undefined {
    const stat = lstatSync(this.#root + path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const types = [
      [stat.isDirectory(), 'directory'],
      [stat.isSymbolicLink(), 'symlink'],
      [stat.isCharacterDevice(), 'char'],
      [stat.isBlockDevice(), 'block'],
    ] as const;
    return {
      type: types.find(([is]) => is)?.[1] ?? 'file',
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      sizeBytes: stat.size,
      modifiedMs: stat.mtimeMs,
      device: stat.dev,
      inode: stat.ino,
      rdev: stat.rdev,
    };
  }

  readLink(path: string): string | undefined {
    return this.stat(path)?.type === 'symlink' ? readlinkSync(this.#root + path) : undefined;
  }
}

function failed(argv: readonly string[], { exitCode, stderr }: RunResult): Error {
  return new Error(`${argv.join(' ')}: status ${exitCode}: ${stderr}`);
}

/** A process with network and mount namespaces of its own, after a script that says `ready` and then waits. */
export async function holdNamespaces(script: string): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', '--mount', '--', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const chunk of holder.stdout) {
    assert.equal(String(chunk), 'ready\n');
    return holder;
  }
  throw new Error('no namespaces: are you root?');
}
