/**
 * `node watch-memory.ts RUN FILE`: appends the memory (PSS, MiB) of the daemon whose environment or arguments name the
 * directory RUN to FILE, a line ten times a second, until it is killed. A process of its own, since the benchmark waits for
 * programs.
 */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';

const [run = '', file = ''] = process.argv.slice(2);
let pid = '';

setInterval(() => {
  if (!isDaemon(pid)) pid = readdirSync('/proc').find((name) => /^[0-9]+$/.test(name) && isDaemon(name)) ?? '';
  const [, kib] = /^Pss: +([0-9]+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`)) ?? [];
  if (kib !== undefined) appendFileSync(file, `${Math.round(Number(kib) / 1024)}\n`);
}, 100);

function isDaemon(candidate: string): boolean {
  const argv = textOf(`/proc/${candidate}/cmdline`);
  return argv.includes('daemon.js') && (argv.includes(run) || textOf(`/proc/${candidate}/environ`).includes(run));
}

/** Empty: not there any more. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
