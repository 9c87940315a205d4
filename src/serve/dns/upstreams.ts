import { readFileSync, statSync } from 'node:fs';
import { canonicalAddress } from './directory.ts';

/** The machine's own list of servers, resolv.conf(5). */
const RESOLV_CONF = '/etc/resolv.conf';
/** How many of it count, as in glibc (MAXNS). */
const MOST_SERVERS = 3;

/** The servers of the machine, read again when the file is another one. */
export class MachineResolvers {
  readonly #path: string;
  #servers: readonly string[] = [];
  #seen = '';

  constructor(path: string = RESOLV_CONF) {
    this.#path = path;
  }

  /** Their addresses as they are now. */
  get servers(): readonly string[] {
    try {
      const { mtimeNs, ino, size } = statSync(this.#path, { bigint: true });
      const seen = `${ino} ${mtimeNs} ${size}`;
      if (seen !== this.#seen) {
        this.#servers = parseServers(readFileSync(this.#path, 'utf8'));
        this.#seen = seen;
      }
    } catch {
      // Between two files of a rename, or there is none: what was there last counts.
    }
    return this.#servers;
  }
}

export function parseServers(text: string): readonly string[] {
  const servers = text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    return keyword === 'nameserver' ? (serverAddress(address) ?? []) : [];
  });
  return [...new Set(servers)].slice(0, MOST_SERVERS);
}

/** A link-local address keeps its zone: `fe80::1%eth0`. */
function serverAddress(text: string): string | undefined {
  const [address = '', zone] = text.split('%', 2);
  const canonical = canonicalAddress(address);
  return canonical === undefined || zone === undefined ? canonical : `${canonical}%${zone}`;
}
