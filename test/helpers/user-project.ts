import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { ROOT, TSSTACK } from './client.ts';
import { type E2eOptions, Project } from './e2e.ts';
import { residue, takeSnapshot } from './residue.ts';
import { type Finished, run, TEST_DEADLINE_MS, until } from './run.ts';

const UID = 2000;
const AS_USER = join(ROOT, 'test/helpers/as-user.sh');

/** A stack of an ordinary user: `bin/tsstack` is run as him, in a home directory of his own. */
export class UserProject extends Project {
  /** Shell commands that take something from his machine first. */
  changes = '';

  constructor(name: string) {
    super(name);
    chmodSync(this.scratch, 0o755);
    chownSync(this.scratch, UID, UID);
    mkdirSync(this.runtime, { mode: 0o700 });
    chownSync(this.runtime, UID, UID);
  }

  /** XDG_RUNTIME_DIR */
  get runtime(): string {
    return join(this.scratch, 'run');
  }

  /** Where state lies. */
  get state(): string {
    return join(this.scratch, '.local/share/tsstack');
  }

  override argv(args: readonly string[]): readonly string[] {
    const argv = super.argv(args).map((word) => (word === TSSTACK ? '/mnt/bin/tsstack' : word));
    return [AS_USER, this.scratch, this.changes, ...argv];
  }

  /** Any program as the user. */
  asUser(...argv: string[]): Promise<Finished> {
    return run([AS_USER, this.scratch, this.changes, ...argv], { cwd: this.scratch });
  }

  /** His processes and those of his ids, by their command lines. */
  async processes(): Promise<readonly string[]> {
    const { stdout } = await run(['ps', '-eo', 'uid=,pid=,args=']);
    return stdout.split('\n').filter((line) => {
      const uid = Number(line.trim().split(/\s+/)[0]);
      return uid === UID || (uid >= 100_000 && uid < 165_536);
    });
  }

  /** The pid of a process of his whose command line matches. */
  async pidOf(what: RegExp): Promise<number> {
    const found = (await this.processes()).find((line) => what.test(line));
    assert.ok(found, `no process ${what}`);
    return Number(found.trim().split(/\s+/)[1]);
  }
}

let count = 0;

/**
 * A test of what an ordinary user does. At the end his stack is taken down: then he has no process, and the machine is as
 * it was.
 */
export function rootless(
  claim: string,
  body: (project: UserProject) => Promise<void>,
  { needs = [], timeoutMs = TEST_DEADLINE_MS }: E2eOptions = {},
): void {
  test(claim, { skip: reasonToSkip(needs), timeout: timeoutMs }, async () => {
    count += 1;
    const project = new UserProject(`rootless-${process.pid.toString(36)}-${count}`);
    try {
      const before = await takeSnapshot();
      const failure = await body(project).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      project.changes = '';
      // Nobody there: it would make everything once more to find nothing, which takes a minute on an emulated machine.
      const isDown = failure === undefined && (await project.processes()).length === 0;
      const down = isDown ? undefined : await project.tsstack(['down', '-v', '--timeout', '1']);
      if (failure !== undefined) throw failure.error;
      if (down !== undefined) assert.equal(down.status, 0, `down: ${down.stderr}`);
      await until('nothing to be left', async () => {
        const left = [...residue(before, await takeSnapshot()), ...(await project.processes())];
        if (left.length > 0) throw new Error(left.join('\n'));
        return true;
      });
      assert.deepEqual(readdirSync(project.runtime), [], 'nothing is left in XDG_RUNTIME_DIR');
      const { stdout } = await project.tsstack(['doctor', '--residue']);
      assert.equal(stdout, 'zero residue\n');
    } finally {
      rmSync(project.scratch, { recursive: true, force: true });
    }
  });
}

function reasonToSkip(needs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'not root, who makes the user';
  const missing = ['newuidmap', 'newgidmap', 'slirp4netns', ...needs].find((each) => !available(each));
  return missing === undefined ? false : `no ${missing}`;
}

function available(name: string): boolean {
  if (name.startsWith('/')) return existsSync(name);
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, name)));
}
