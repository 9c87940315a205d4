import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { TSSTACK } from './client.ts';
import { holdNamespaces } from './machine.ts';
import { type Finished, run } from './run.ts';

/**
 * A machine beside this one, with a daemon, records and networks of its own: namespaces with an empty /run and
 * /var/lib/tsstack. Programs and control groups are this machine's.
 */
export class SeparateMachine {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async start(): Promise<SeparateMachine> {
    const script = `
      while umount -R /run/netns 2>/dev/null; do :; done
      mount -t tmpfs tmpfs /run
      mkdir -p /var/lib/tsstack && mount -t tmpfs tmpfs /var/lib/tsstack && ip link set lo up
      echo ready && exec cat`;
    return new SeparateMachine(await holdNamespaces(script));
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  argv(...argv: readonly string[]): readonly string[] {
    return ['nsenter', '-t', String(this.pid), '-n', '-m', '--', ...argv];
  }

  /** Runs a program on it that must succeed; its output. */
  exec(...argv: readonly string[]): string {
    const [command = '', ...words] = this.argv(...argv);
    return execFileSync(command, words, { encoding: 'utf8' });
  }

  /** `tsstack ARGS` in a directory, with the status that it must have. */
  async tsstack(status: number, cwd: string, ...args: readonly string[]): Promise<string> {
    const finished: Finished = await run(this.argv('sh', '-c', 'cd "$0" && exec "$@"', cwd, TSSTACK, ...args), { cwd });
    assert.equal(finished.status, status, `tsstack ${args.join(' ')}\n${finished.stdout}${finished.stderr}`);
    return finished.stdout;
  }

  /** The namespaces go with the process that holds them. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('exit', resolve));
    this.#holder.stdin?.end();
    await ended;
  }
}
