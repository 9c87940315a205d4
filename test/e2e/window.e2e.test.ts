import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { output, until } from '../helpers/run.ts';

/** Says how large its terminal is: at its start, and whenever it is told that this has changed. */
const WINDOW = `trap "stty size" WINCH; stty size; trap "exit 5" INT; while :; do sleep 0.02; done`;

const INTERRUPT = '\x03';
const DETACH = '\x10\x11';

/** A command on a terminal of its own, made by script(1). */
class Session {
  readonly #child: ChildProcess;
  readonly #status: Promise<unknown[]>;
  readonly #tty: string;
  #shown = '';

  constructor(project: Project, name: string, args: readonly string[]) {
    this.#tty = join(project.scratch, name);
    const line = [TSSTACK, '-p', project.name, ...args].map((word) => `'${word}'`).join(' ');
    const script = `stty rows 20 cols 70; tty > '${this.#tty}.new'; mv '${this.#tty}.new' '${this.#tty}'; exec ${line}`;
    const [command = '', ...rest] = ['script', '-qec', script, '/dev/null'];
    this.#child = spawn(command, rest, { cwd: project.directory, stdio: 'pipe' });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text;
    });
    this.#status = once(this.#child, 'close');
  }

  shows(text: string): Promise<unknown> {
    return until(
      JSON.stringify(text),
      () => {
        if (this.#shown.includes(text)) return true;
        throw new Error(`shown is ${JSON.stringify(this.#shown)}`);
      },
      15_000,
    );
  }

  /** As a terminal emulator does when its window is dragged: the kernel then tells the client by SIGWINCH. */
  async resize(rows: number, columns: number): Promise<void> {
    await until('the terminal', () => existsSync(this.#tty));
    const terminal = readFileSync(this.#tty, 'utf8').trim();
    await output('stty', '-F', terminal, 'rows', String(rows), 'cols', String(columns));
  }

  /** The status that it ends with when these keys are pressed. */
  async press(keys: string): Promise<unknown> {
    this.#child.stdin?.write(keys);
    return (await this.#status)[0];
  }
}

async function follows(session: Session): Promise<void> {
  await session.shows('20 70\r');
  await session.resize(31, 97);
  await session.shows('31 97\r');
  await session.resize(9, 40);
  await session.shows('9 40\r');
}

for (const userns of ['host', 'private']) {
  e2e(
    `the window of attach, run and exec, userns_mode ${userns}: a change of size reaches the program as SIGWINCH`,
    async (project) => {
      project.write(`services:
  web:
    command: [sh, -c, '${WINDOW}']
    tty: true
    stdin_open: true
    userns_mode: ${userns}
`);
      await project.expect(0, 'up', '-d');
      const attached = new Session(project, 'attach', ['attach', 'web']);
      await attached.resize(20, 71);
      await attached.shows('20 71\r');
      await attached.resize(20, 70);
      await follows(attached);
      assert.equal(await attached.press(DETACH), 0);
      const executed = new Session(project, 'exec', ['exec', '-it', 'web', 'sh', '-c', WINDOW]);
      await follows(executed);
      assert.equal(await executed.press(INTERRUPT), 5);
      const ran = new Session(project, 'run', ['run', '--rm', 'web']);
      await follows(ran);
      assert.equal(await ran.press(INTERRUPT), 5);
    },
    { needs: ['script'] },
  );
}
