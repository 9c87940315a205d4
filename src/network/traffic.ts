import type { Host } from '../host/host.ts';
import type { Traffic } from '../model/observed.ts';

/** What went over the interfaces of a process's network namespace, without the loopback (proc_pid_net(5), `dev`). */
export function readTraffic(host: Pick<Host, 'readText'>, pid: number): Traffic | undefined {
  const text = host.readText(`/proc/${pid}/net/dev`);
  if (text === undefined) return undefined;
  let rxBytes = 0;
  let txBytes = 0;
  // Behind the name: eight numbers of what was received, then those of what was sent; the first of each is bytes.
  for (const [, name = '', numbers = ''] of text.matchAll(/^\s*([^\s:]+):(.*)$/gm)) {
    if (name === 'lo') continue;
    const fields = numbers.trim().split(/\s+/).map(Number);
    rxBytes += fields[0] ?? 0;
    txBytes += fields[8] ?? 0;
  }
  return { rxBytes, txBytes };
}
