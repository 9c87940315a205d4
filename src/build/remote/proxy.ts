import { BlockList, isIP } from 'node:net';

/**
 * The proxy for a URL by `http_proxy`, `https_proxy` and `no_proxy` (or in capitals), as Go's net/http takes them; undefined:
 * none. This machine itself is never asked by a proxy. `no_proxy`: names with what is below them (a dot in front: only that),
 * addresses, networks (`10.0.0.0/8`), each with a port if it is meant, or `*`.
 */
export function proxyFor(url: URL, env: Readonly<Record<string, string>>): string | undefined {
  const value = (name: string): string => env[name] ?? env[name.toUpperCase()] ?? '';
  const proxy = value(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy').trim();
  const host = bareHost(url.hostname);
  if (proxy === '' || isLoopback(host)) return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const excepted = value('no_proxy')
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && matches(entry.toLowerCase(), host, port));
  if (excepted) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function bareHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(entry, host);
  const [, bracketed, plain, wantedPort] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [entry, undefined, entry];
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const name = (bracketed ?? plain ?? '').replace(/^\*/, '');
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isInNetwork(entry: string, host: string): boolean {
  const [address = '', length = ''] = entry.split('/');
  const family = isIP(address);
  const bits = Number(length);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(length) || bits > (family === 4 ? 32 : 128))
    return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(address, bits, type);
  return network.check(host, type);
}
