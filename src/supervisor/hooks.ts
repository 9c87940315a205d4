import { setTimeout as sleep } from 'node:timers/promises';
import type { HookOptions, MachineContext } from '../executor/context.ts';
import { prepareExec } from '../executor/exec.ts';
import { thaw } from '../executor/thaw.ts';
import { printableLines } from '../lib/printable-lines.ts';
import { type ContainerKey, containerAddress } from '../model/address.ts';
import { TsstackError } from '../model/error.ts';
import type { Hook } from '../model/stack.ts';
import { type Liveness, liveness } from '../observe/liveness.ts';
import { logTarget } from '../runtime/streams.ts';
import { cgroupName, containerPaths } from '../store/paths.ts';
import type { ContainerRecord } from '../store/records.ts';
import { LINES } from './condition.ts';

/** Status of a program that was killed, and how long the container that killed it may take to be gone. */
const KILLED = 137;
const END_MS = 2000;
const POLL_MS = 5;
const OUTPUT_BYTES = 16 * 1024;
/** Before each line that a hook writes into the log; `docker compose up` shows `web-1 ->` instead of `web-1`. */
const MARK = '-> ';

type Context = MachineContext;
type Running = Extract<Liveness, { state: 'running' }>['process'];

/**
 * Runs a container's hooks of one kind, one after the other, inside it. Their output goes to the container's log. A hook
 * that is not done at the deadline is killed. Nothing is done when the container does not run; when it ends while a
 * `preStop` hook runs, that hook has done what it was for. Throws `hook-failed`, and the signal's reason.
 */
export async function runHooks(context: Context, key: ContainerKey, options: HookOptions): Promise<void> {
  const { records } = context;
  const { kind } = options;
  const record = records.container(key);
  const run = record?.run;
  for (const [index, hook] of (record?.spec[kind] ?? []).entries()) {
    const process = record === undefined ? undefined : running(context, record);
    if (record === undefined || process === undefined) {
      if (kind === 'preStop') return;
      throw failure({ record, key, index, options }, 'was not run: the container has ended');
    }
    await runHook(context, { record, key, index, options }, { hook, pid: process.pid });
  }
  if (kind === 'postStart' && run !== undefined) records.updateContainer(key, { postStartRun: run });
}

/** Has a start's work still to be done: the daemon was killed before the hooks had all been run. */
export function hooksPending({ spec, run, postStartRun }: ContainerRecord): boolean {
  return (spec.postStart ?? []).length > 0 && postStartRun !== run;
}

interface Where {
  readonly record: ContainerRecord | undefined;
  readonly key: ContainerKey;
  /** From 0. */
  readonly index: number;
  readonly options: HookOptions;
}

async function runHook(
  context: Context,
  where: Where & { readonly record: ContainerRecord },
  { hook, pid }: { readonly hook: Hook; readonly pid: number },
): Promise<void> {
  const { key, record, options } = where;
  const { kind, signal, deadlineMs } = options;
  // A frozen container runs no hook; it is about to be stopped, and goes on for that anyway.
  if (kind === 'preStop') await thaw(context, cgroupName(key));
  signal?.throwIfAborted();
  const exec = await prepareExec(context, record, pid, hook);
  const result = await context.host.probe(exec.argv, exec.launcher, {
    outputLimitBytes: OUTPUT_BYTES,
    log: { path: logTarget(record.spec, containerPaths(context.paths, key).log), mark: MARK },
    ...(deadlineMs !== undefined && { timeoutMs: Math.max(1, deadlineMs - performance.now()) }),
    ...(signal !== undefined && { signal }),
  });
  if (result.exitCode === 0) return;
  signal?.throwIfAborted();
  if (kind === 'preStop' && result.exitCode === KILLED && (await ends(context, record))) return;
  const what =
    result.exitCode === undefined ? 'was killed: its time was over' : `ended with ${status(result.exitCode)}`;
  throw failure(where, what, { hook, output: result.output });
}

/** What is in a pid namespace is killed before its pid 1, which made an end to it, is gone. */
async function ends(context: Context, record: ContainerRecord): Promise<boolean> {
  const deadline = performance.now() + END_MS;
  while (running(context, record) !== undefined) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function running(context: Context, record: ContainerRecord): Running {
  const life = liveness(context.host, context.paths, record, context.bootId);
  return life.state === 'running' ? life.process : undefined;
}

function status(exitCode: number): string {
  if (exitCode === 127) return 'status 127: there is no such program in the container';
  return exitCode === 126 ? 'status 126: the program cannot be executed' : `status ${exitCode}`;
}

function failure(
  { key, index, options: { kind } }: Where,
  what: string,
  ran?: { readonly hook: Hook; readonly output: string },
): TsstackError {
  const address = containerAddress(key.service, key.index);
  const name = `${kind === 'preStop' ? 'pre_stop' : 'post_start'}[${index}]`;
  const program = ran === undefined ? '' : ` (${JSON.stringify(ran.hook.argv.join(' ').slice(0, 100))})`;
  const said = printableLines(ran?.output ?? '', LINES);
  return new TsstackError('hook-failed', `${name} of ${address}${program} ${what}`, {
    address,
    hint:
      kind === 'preStop'
        ? `The container runs on. "tsstack stop -t 0 ${key.service}" stops it without its hooks`
        : `See what it said: tsstack logs ${key.service}`,
    details: said.length === 0 ? [] : ['its last output:', ...said.map((line) => `  ${line}`)],
  });
}
