import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { deadline } from '../lib/deadline.ts';
import { TsstackError } from '../model/error.ts';
import { keepProcess } from './keep-process.ts';

/** As hexadecimal digits and blanks still one write(2) that nobody else's comes between: PIPE_BUF is 4096. */
const MOST_REPORT_BYTES = 1300;
/**
 * What the shell does with each line, a name and the path of a script: two children, what becomes the script, and who reads
 * its status pipe to the end and tells. `jobs` takes the leave of those that have ended; a signal that comes while the next
 * line is waited for ends `read` as the end of its input does.
 */
const PROGRAM = `trap 'heard=1; jobs >/dev/null' CHLD
while :; do
  heard=
  if read -r name script; then
    { trap - CHLD; exec sh "$script" 3>&1 >/dev/null 2>&1 </dev/null; } | {
      trap - CHLD
      report=$(od -An -v -tx1 -N${MOST_REPORT_BYTES}; cat >/dev/null)
      echo "$name" $report
    } &
  elif [ -z "$heard" ]; then
    exit
  fi
done
`;

/**
 * Starts launch scripts, by a small shell that stays for the next ones. fork(2) copies the page tables of the process that
 * calls it and spawn(3) keeps it waiting until the program is executed: of the daemon 3 to 7 ms a container, of a shell
 * 0.3 ms that nobody waits for. What was started outlives the shell, which ends with this process, however it ends.
 */
export class LaunchShells {
  #shell: LaunchShell | undefined;

  /**
   * Starts a launch script and waits until its status pipe (descriptor 3) is closed: without a byte when the program was
   * executed, with the launcher's report when it could not be. The script outlives us.
   *
   * Throws `launch-failed` with the report, a Uint8Array of at most 1,300 bytes, as `cause`; `timeout` when the pipe stays
   * open.
   */
  async launch(script: string, timeoutMs: number): Promise<void> {
    if (this.#shell?.hasEnded !== false) this.#shell = new LaunchShell();
    const shell = this.#shell;
    const report = await shell.launch(script, timeoutMs);
    if (report.length > 0) {
      throw new TsstackError('launch-failed', 'The container did not start', { cause: report });
    }
  }
}

class LaunchShell {
  readonly #child: ChildProcess;
  /** Who waits, by what the shell calls it. */
  readonly #waiting = new Map<string, PromiseWithResolvers<Uint8Array>>();
  readonly #mark = randomBytes(8).toString('hex');
  #launches = 0;
  #hasEnded = false;
  #text = '';

  constructor() {
    const options = { detached: true, cwd: '/', env: {} } as const;
    this.#child = spawn('/bin/sh', ['-c', PROGRAM], { ...options, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout?.setEncoding('latin1').on('data', (text: string) => this.#hear(text));
    this.#child.on('exit', () => {
      this.#hasEnded = true;
    });
    // Also open in who tells of a script that was begun: these have told when it closes.
    this.#child.on('close', () => this.#abandon('the shell that starts it was killed'));
    this.#child.on('error', ({ message }) => this.#abandon(message));
    keepProcess(this.#child, false);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  async launch(script: string, timeoutMs: number): Promise<Uint8Array> {
    this.#launches += 1;
    const name = `${this.#mark}.${this.#launches}`;
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(name, waiting);
    keepProcess(this.#child, true);
    const forget = deadline(timeoutMs, () => {
      waiting.reject(new TsstackError('timeout', `The container did not start within ${timeoutMs / 1000} s`));
    });
    this.#child.stdin?.write(`${name} ${script}\n`);
    try {
      return await waiting.promise;
    } finally {
      forget();
      this.#waiting.delete(name);
      if (this.#waiting.size === 0) keepProcess(this.#child, false);
    }
  }

  /** Lines of a name and the bytes of a report. */
  #hear(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      const [name = '', ...bytes] = line.split(' ');
      this.#waiting.get(name)?.resolve(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
    }
  }

  #abandon(why: string): void {
    this.#hasEnded = true;
    for (const { reject } of this.#waiting.values()) {
      reject(new TsstackError('launch-failed', `Cannot run the launch script: ${why}`));
    }
  }
}
