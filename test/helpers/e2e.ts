import assert from 'node:assert/strict';
import { accessSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { test } from 'node:test';
import type { ContainerSummary } from '../../src/daemon/api.ts';
import { ROOT, TSSTACK } from './client.ts';
import { residue, takeSnapshot } from './residue.ts';
import { type Finished, type RunOptions, run, TEST_DEADLINE_MS, until } from './run.ts';

/** What lies beside the checkout where tsstack is developed; tests that use it name it when it is missing. */
export const SHARED = resolve(ROOT, '../shared');

/** A stack under a name of its own, used through `bin/tsstack` only. */
export class Project {
  readonly name: string;
  /** A directory of its own, gone with the project. */
  readonly scratch: string;
  /** Added to the environment of every command. */
  readonly env: Record<string, string> = {};
  #directory: string;

  constructor(name: string) {
    this.name = name;
    this.scratch = mkdtempSync(join(tmpdir(), 'tsstack-e2e-'));
    this.#directory = this.scratch;
  }

  /** Works in `examples/<name>` from now on. */
  useExample(name: string): void {
    this.#directory = join(ROOT, 'examples', name);
  }

  /** Writes a file into the project directory: the stack file unless another name is given. */
  write(text: string, name = 'stack.yaml'): void {
    writeFileSync(join(this.scratch, name), text);
  }

  /** `tsstack -p NAME ARGS`, whatever its status. */
  tsstack(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return run(this.argv(args), { cwd: this.#directory, ...options, env: { ...this.env, ...options.env } });
  }

  argv(args: readonly string[]): readonly string[] {
    return [TSSTACK, '-p', this.name, ...args];
  }

  get directory(): string {
    return this.#directory;
  }

  /** The same, with the status that it must have; gives standard output. */
  async expect(status: number, ...args: string[]): Promise<string> {
    const finished = await this.tsstack(args);
    const said = `tsstack ${args.join(' ')}\n${finished.stdout}${finished.stderr}`;
    assert.equal(finished.status, status, said);
    return finished.stdout;
  }

  async ps(): Promise<readonly ContainerSummary[]> {
    return parseList(await this.expect(0, 'ps', '-a', '--format', 'json'));
  }

  async container(service: string): Promise<ContainerSummary> {
    const found = (await this.ps()).find((each) => each.service === service);
    assert.ok(found, `no container of ${service}`);
    return found;
  }

  /** Waits until the service's container has ended. */
  exited(service: string): Promise<ContainerSummary> {
    return until(`${service} to end`, async () => {
      const container = await this.container(service);
      return container.status === 'exited' && container;
    });
  }

  /** Log lines of a service without the prefix. */
  async logs(service: string): Promise<string> {
    return (await this.expect(0, 'logs', service)).replaceAll(/^\S+ +\| ?/gm, '');
  }

  /** Text of a file of a container's cgroup, by what it is called under cgroup v1 and under v2. */
  cgroup(service: string, v1: `${string}/${string}`, v2: string): string {
    return readFileSync(this.#cgroupFile(service, v1, v2), 'utf8').trim();
  }

  /** Writes such a file behind tsstack's back. */
  setCgroup(service: string, v1: `${string}/${string}`, v2: string, value: string): void {
    writeFileSync(this.#cgroupFile(service, v1, v2), value);
  }

  #cgroupFile(service: string, v1: string, v2: string): string {
    const [controller = '', file = ''] = v1.split('/');
    const below = `tsstack/${this.name}/${service}.1`;
    const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
    return unified ? `/sys/fs/cgroup/${below}/${v2}` : `/sys/fs/cgroup/${controller}/${below}/${file}`;
  }
}

/** Accepts one JSON array, or one object a line. */
function parseList(text: string): readonly ContainerSummary[] {
  if (text.trimStart().startsWith('[')) return JSON.parse(text) as ContainerSummary[];
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as ContainerSummary);
}

export interface E2eOptions {
  /** Programs (on PATH) and absolute paths without which the test is skipped, saying which. */
  readonly needs?: readonly string[];
  readonly timeoutMs?: number;
}

let count = 0;

/**
 * A test that uses a stack as a user would. Whatever it brought up is taken down at the end, and then the machine
 * must be as it was: by our own `doctor --residue` and by a comparison that knows nothing of us.
 */
export function e2e(claim: string, body: (project: Project) => Promise<void>, options: E2eOptions = {}): void {
  const missing = options.needs?.find((each) => !available(each));
  const skip = process.getuid?.() !== 0 ? 'not root' : missing === undefined ? false : `no ${missing}`;
  test(claim, { skip, timeout: options.timeoutMs ?? TEST_DEADLINE_MS }, async () => {
    count += 1;
    const project = new Project(`e2e-${process.pid.toString(36)}-${count}`);
    try {
      const before = await takeSnapshot();
      const ours = await doctorResidue(project);
      const failure = await body(project).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      const down = await project.tsstack(['down', '-v', '--timeout', '1']);
      if (failure !== undefined) throw failure.error;
      assert.equal(down.status, 0, `down: ${down.stderr}`);
      // The daemon ends by itself just after the last `down` has been answered.
      await until('nothing to be left', async () => {
        const left = residue(before, await takeSnapshot());
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      });
      const left = [...(await doctorResidue(project))].filter((line) => !ours.has(line));
      assert.deepEqual(left, [], 'tsstack doctor --residue');
    } finally {
      rmSync(project.scratch, { recursive: true, force: true });
    }
  });
}

/** What `doctor --residue` lists. A stack that somebody else has up is on it before and after. */
async function doctorResidue(project: Project): Promise<ReadonlySet<string>> {
  const { stdout, status } = await project.tsstack(['doctor', '--residue']);
  return new Set(status === 0 ? [] : stdout.split('\n').filter((line) => line !== ''));
}

function available(need: string): boolean {
  if (need.startsWith('/')) return existsSync(need);
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, need), 1);
      return true;
    } catch {
      return false;
    }
  });
}

/** A port that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** One HTTP exchange over a connection of its own; `body` makes it a POST. */
export async function http(url: string, body?: string): Promise<string> {
  const response = await fetch(url, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { method: 'POST', body }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

/** Directory of PostgreSQL's server programs, which are not on PATH. */
export function postgresPrograms(): string {
  const base = '/usr/lib/postgresql';
  const version = existsSync(base) ? readdirSync(base).sort().at(-1) : undefined;
  return join(base, version ?? '15', 'bin/postgres');
}
