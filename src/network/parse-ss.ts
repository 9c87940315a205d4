import type { Listener } from '../model/observed.ts';

/**
 * Reads `ss -Hlntup`: `tcp LISTEN 0 4096 127.0.0.1%lo:53 0.0.0.0:* users:(("dnsmasq",pid=12,fd=5))`. The column of the
 * owner is missing when there is none to see; `*:80` is a socket of both families, shown as `::`.
 */
export function parseListeners(text: string): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const line of text.split('\n')) {
    const [protocol, , , , local = ''] = line.trim().split(/\s+/);
    const match = /^(.*):(\d+)$/.exec(local);
    if ((protocol !== 'tcp' && protocol !== 'udp') || match === null) continue;
    const [, host = '', port = ''] = match;
    const owner = /users:\(\("((?:[^"\\]|\\.)*)",pid=(\d+)/.exec(line);
    listeners.push({
      protocol,
      address: host === '*' ? '::' : host.replace(/^\[(.*)\]/, '$1').replace(/%.*$/, ''),
      port: Number(port),
      ...(owner !== null && { owner: `${owner[1]} (pid ${owner[2]})` }),
    });
  }
  return listeners;
}
