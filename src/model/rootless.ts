/** What a daemon or client of an ordinary user must know of the namespaces that it is in: JSON in `TSSTACK_ROOTLESS`. */
export interface Rootless {
  /** Directory of the process outside: its socket, its messages. */
  readonly outside: string;
  /** The first port that an ordinary user may open (net.ipv4.ip_unprivileged_port_start of the machine). */
  readonly firstPort: number;
  /** The cgroup (v2) below which ours are made; absent: none was delegated, there are no limits. */
  readonly cgroup?: string;
  /** Why there is none, in words. */
  readonly cgroupProblem?: string;
  /** Where the command was given: entering a mount namespace forgets it. */
  readonly cwd?: string;
}

/** Name of the environment variable. */
export const ROOTLESS_VARIABLE = 'TSSTACK_ROOTLESS';

/** Throws on what is no such JSON; undefined where the variable is not set. */
export function parseRootless(text: string | undefined): Rootless | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Rootless);
}

/** One line of JSON to the process outside, one back; then it closes. */
export type OutsideRequest =
  /** The process will enter the namespaces, and is one for whom they stay. */
  | { readonly ask: 'enter'; readonly pid: number }
  /** Start the daemon: there, so that it is in the cgroup that was delegated. `env`: the client's. */
  | { readonly ask: 'daemon'; readonly argv: readonly string[]; readonly log: string; readonly env: NodeJS.ProcessEnv }
  /** Start `tsstack serve`, which gets the machine's ports from there. */
  | { readonly ask: 'serve'; readonly argv: readonly string[] }
  /** What `ss -Hlntup` prints of the machine's own network. */
  | { readonly ask: 'listeners' };

export type OutsideReply =
  | { readonly failed: string }
  | { readonly pid: number; readonly rootless: Rootless }
  | { readonly ended: string | number }
  | { readonly ready: true }
  | { readonly text: string };

/** What the served process asks of who has started it: a socket of the machine's network. */
export interface SocketRequest {
  readonly open: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/** Its answer, with the socket unless there is a code (`EADDRINUSE`, …). */
export interface SocketReply {
  readonly opened: number;
  readonly code?: string;
}

export function outsideSocket(directory: string): string {
  return `${directory}/control`;
}
