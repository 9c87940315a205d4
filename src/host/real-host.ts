import { unlinkSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { exhaustive } from '../lib/exhaustive.ts';
import { Batcher } from './batcher.ts';
import { copyInto } from './copy-into.ts';
import {
  fileStat,
  listDirectory,
  makeDirectory,
  readLinkTarget,
  readWholeFile,
  removeEmptyDirectory,
  rewriteFile,
  writeInPlace,
  writeWholeFile,
} from './files.ts';
import type { FileStat, ProbeOptions, ProbeResult, RunOptions, RunResult, SupervisorHost } from './host.ts';
import { type IpGroup, type IpOp, runIpBatch } from './ip-batch.ts';
import { LaunchShells } from './launch-shell.ts';
import { type NftOp, runNftBatch } from './nft-batch.ts';
import type { HostOp } from './op.ts';
import { runProbe } from './probe.ts';
import { signalProcess } from './process.ts';
import { readWholeText } from './read-text.ts';
import { REMOVE_PATIENCE_MS, removeTrees } from './remove-batch.ts';
import { type RunCommand, runCommand } from './run-command.ts';
import { removeSecrets, writeSecret } from './secrets.ts';
import { runTcBatch, type TcOp } from './tc-batch.ts';

/** The machine itself. `ip`, `tc`, `nft` and `rm` that are asked for at the same time share one process. */
export class RealHost implements SupervisorHost {
  /** One batch a namespace that something is under way in; the machine's own is ''. */
  readonly #ip = new Map<string, Batcher<IpGroup>>();
  readonly #nft: Batcher<NftOp>;
  readonly #tc: Batcher<readonly TcOp[]>;
  readonly #trees: Batcher<string>;
  readonly #run: RunCommand;
  readonly #launches = new LaunchShells();

  /** `run`: how programs are started. */
  constructor(run: RunCommand = runCommand) {
    this.#run = run;
    this.#nft = new Batcher((ops) => runNftBatch(ops, run));
    this.#trees = new Batcher((paths) => removeTrees(paths, run), { patienceMs: REMOVE_PATIENCE_MS });
    this.#tc = new Batcher((groups) => runTcBatch(groups, run));
  }

  async perform(ops: readonly HostOp[], signal?: AbortSignal): Promise<void> {
    for (let index = 0; index < ops.length; index += 1) {
      signal?.throwIfAborted();
      const op = ops[index];
      if (op === undefined) continue;
      if (op.op === 'ip') {
        const group = ipRun(ops, index);
        index += group.length - 1;
        await this.#performIp(group, op.netns);
      } else if (op.op === 'tc') {
        const group = tcRun(ops, index);
        index += group.length - 1;
        await this.#tc.add(group);
      } else {
        await this.#performOne(op, signal);
      }
    }
  }

  run(argv: readonly string[], options?: RunOptions): Promise<RunResult> {
    return this.#run(argv, options);
  }

  probe(argv: readonly string[], launcher: Uint8Array, options: ProbeOptions): Promise<ProbeResult> {
    return runProbe(argv, launcher, options);
  }

  watchDirectory(path: string, signal: AbortSignal, changed: (name: string) => void): void {
    watch(path, { signal }, (_event, name) => changed(name ?? ''));
  }

  readText(path: string): string | undefined {
    return readWholeText(path);
  }

  readBytes(path: string): Uint8Array | undefined {
    return readWholeFile(path);
  }

  readDirectory(path: string): readonly string[] {
    return listDirectory(path);
  }

  stat(path: string): FileStat | undefined {
    return fileStat(path);
  }

  readLink(path: string): string | undefined {
    return readLinkTarget(path);
  }

  async #performIp(group: IpGroup, netns: string | undefined): Promise<void> {
    const name = netns ?? '';
    let batcher = this.#ip.get(name);
    if (batcher === undefined) {
      batcher = new Batcher<IpGroup>((groups) => runIpBatch(netns, groups, this.#run), {
        onIdle: () => this.#ip.delete(name),
      });
      this.#ip.set(name, batcher);
    }
    await batcher.add(group);
  }

  /** A file, a link, or a directory with all that is in it. What is absent is nothing to do. */
  async #remove(path: string): Promise<void> {
    const type = fileStat(path)?.type;
    if (type === 'directory') await this.#trees.add(path);
    else if (type !== undefined) unlinkSync(path);
  }

  async #performOne(op: Exclude<HostOp, { op: 'ip' | 'tc' }>, signal: AbortSignal | undefined): Promise<void> {
    switch (op.op) {
      case 'mkdir':
        return makeDirectory(op.path, op.mode);
      case 'write-file':
        return (op.inPlace === true ? rewriteFile : writeWholeFile)(op.path, op.data, op.mode, op.owner);
      case 'write-secret':
        return writeSecret(op);
      case 'remove-secrets':
        return removeSecrets(op);
      case 'write-in-place':
        return writeInPlace(op.path, op.data, op.tolerateAbsent === true);
      case 'remove':
        return this.#remove(op.path);
      case 'rmdir':
        return removeDirectory(op);
      case 'nft':
        return this.#nft.add(op);
      case 'run': {
        const { stdin, timeoutMs } = op;
        await this.#run(op.argv, {
          ...(stdin !== undefined && { stdin }),
          ...(timeoutMs !== undefined && { timeoutMs }),
          ...(signal !== undefined && { signal }),
        });
        return;
      }
      case 'launch':
        return this.#launches.launch(op.script, op.timeoutMs);
      case 'copy-into':
        return copyInto(op.root, op.target, op.source);
      case 'kill':
        return signalProcess(op.pid, op.startTime, op.signal);
      default:
        return exhaustive(op);
    }
  }
}

/** The `ip` operations from `first` on that follow each other in one namespace. */
function ipRun(ops: readonly HostOp[], first: number): readonly IpOp[] {
  const group: IpOp[] = [];
  for (const op of ops.slice(first)) {
    if (op.op !== 'ip' || (op.netns !== group[0]?.netns && group.length > 0)) break;
    group.push(op);
  }
  return group;
}

/** The `tc` operations from `first` on that follow each other. */
function tcRun(ops: readonly HostOp[], first: number): readonly TcOp[] {
  const end = ops.findIndex((op, index) => index >= first && op.op !== 'tc');
  return ops.slice(first, end === -1 ? undefined : end).filter((op) => op.op === 'tc');
}

/** How long a cgroup stays busy after its last process has ended, at most. */
const BUSY_DEADLINE_MS = 2000;
const BUSY_RETRY_MS = 2;

/** rmdir(2) of a cgroup says EBUSY for a moment after its last process has ended. */
async function removeDirectory(op: Extract<HostOp, { readonly op: 'rmdir' }>): Promise<void> {
  const deadline = performance.now() + BUSY_DEADLINE_MS;
  for (;;) {
    try {
      return removeEmptyDirectory(op.path, { tree: op.tree === true, tolerateNonEmpty: op.tolerateNonEmpty === true });
    } catch (error) {
      const busy = error instanceof Error && 'code' in error && error.code === 'EBUSY';
      if (!busy || performance.now() > deadline) throw error;
      await sleep(BUSY_RETRY_MS);
    }
  }
}
