import type { ChildProcess } from 'node:child_process';

interface Handle {
  ref?(): void;
  unref?(): void;
}

/** Whether a child and the pipes to it, which are sockets, keep this process from ending by itself. */
export function keepProcess(child: ChildProcess, keep: boolean): void {
  for (const each of [child, child.stdin, child.stdout, child.stderr] as readonly (Handle | null)[]) {
    if (keep) each?.ref?.();
    else each?.unref?.();
  }
}
