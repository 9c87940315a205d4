import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process, told from later ones of the same number. */
export interface Process {
  readonly pid: number;
  readonly startTime: string;
}

/** proc_pid_stat(5): the name in parentheses may hold anything; undefined: it has ended. */
export function lookAt(pid: number): Process | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : { pid, startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function lives({ pid, startTime }: Process): boolean {
  return lookAt(pid)?.startTime === startTime;
}

export function killIfAlive(process: Process | undefined, signal: NodeJS.Signals): void {
  if (process === undefined || !lives(process)) return;
  try {
    globalThis.process.kill(process.pid, signal);
  } catch {
    // It has ended.
  }
}

/** The namespaces that a process is in, as the kernel calls them: `user:[…] mnt:[…] net:[…]`. undefined: it is a stranger's. */
export function namespacesOf(pid: number): string | undefined {
  try {
    return ['user', 'mnt', 'net'].map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)).join(' ');
  } catch {
    return undefined;
  }
}

/** Who is in the same user namespace, with the namespaces of each. Of strangers the kernel shows nothing: they are not. */
export function inhabitants(home: string): readonly { readonly pid: number; readonly namespaces: string }[] {
  const [user = ''] = home.split(' ');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const namespaces = namespacesOf(Number(name));
      return namespaces?.startsWith(`${user} `) === true ? [{ pid: Number(name), namespaces }] : [];
    });
}
