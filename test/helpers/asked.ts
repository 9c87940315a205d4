import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './run.ts';

const DEADLINE_MS = 200_000;

/**
 * Containers that look around when a pipe asks them to: without a command of ours, which on an emulated host takes some ten
 * seconds. SIGUSR1 ends them with status 9.
 */
export class Asked {
  readonly #directory: string;
  #count = 0;

  /**
   * `look`: shell commands; what they print, errors too, is the answer. `$name` is the container's, and must stay so.
   * `directory` is made, for what is asked and answered; all see it as /asked.
   */
  constructor(directory: string, look: string) {
    this.#directory = directory;
    mkdirSync(directory);
    const answer = '{ look; } >"/asked/$1.part" 2>&1; mv "/asked/$1.part" "/asked/$1"';
    // A pipe that it waits at costs nothing meanwhile; a signal interrupts that.
    const loop = `trap 'exit 9' USR1\nexec 3<>"/asked/$name.ask"\nwhile :; do read -r n <&3 && answer "$name-$n"; done\n`;
    const script = `name=$1\nlook() {\n${look}\n}\nanswer() {\n${answer}\n}\n[ "$2" = once ] && { look 2>&1; exit; }\n${loop}`;
    writeFileSync(join(this.#directory, 'look.sh'), script);
  }

  /** Keys of a service in braces. `volumes`: further ones. */
  keys(name: string, ...volumes: readonly string[]): string {
    const { status } = spawnSync('mkfifo', [this.#pipe(name)]);
    if (status !== 0 && !existsSync(this.#pipe(name))) throw new Error(`mkfifo ${this.#pipe(name)}: status ${status}`);
    const mounted = [`${this.#directory}:/asked`, ...volumes].map((each) => `'${each}'`);
    return `command: [sh, /asked/look.sh, ${name}, again], volumes: [${mounted.join(', ')}]`;
  }

  /** For exec: prints what it sees. */
  readonly argv: readonly string[] = ['sh', '/asked/look.sh', 'exec', 'once'];

  /** What each of them sees now. */
  async ask(names: readonly string[]): Promise<Readonly<Record<string, string>>> {
    this.#count += 1;
    const file = (name: string) => join(this.#directory, `${name}-${this.#count}`);
    // For reading, too, so that nobody is waited for; open until it has been read.
    const pipes = names.map((name) => openSync(this.#pipe(name), constants.O_RDWR));
    for (const pipe of pipes) writeSync(pipe, `${this.#count}\n`);
    await until(
      'all to answer',
      () => {
        const missing = names.filter((name) => !existsSync(file(name)));
        if (missing.length > 0) throw new Error(`no answer of ${missing.join(', ')}`);
        return true;
      },
      DEADLINE_MS,
    );
    for (const pipe of pipes) closeSync(pipe);
    return Object.fromEntries(names.map((name) => [name, readFileSync(file(name), 'utf8')]));
  }

  #pipe(name: string): string {
    return join(this.#directory, `${name}.ask`);
  }
}
