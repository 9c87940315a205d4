import type { ContainerKey } from './address.ts';

/** A container that runs, and who is in it. */
export interface ContainerProcesses extends ContainerKey {
  readonly name: string;
  readonly processes: readonly ContainerProcess[];
}

/** One process of a container, as the host sees it. */
export interface ContainerProcess {
  /** User id on the host. */
  readonly uid: number;
  /** Its name as the container's /etc/passwd has it; the id inside where that has none. */
  readonly user: string;
  /** Process ids on the host. */
  readonly pid: number;
  readonly ppid: number;
  /** Percent of one CPU since it began. */
  readonly cpuPercent: number;
  readonly startedAtMs: number;
  /** `pts/0`; absent: none. */
  readonly tty?: string;
  readonly cpuMs: number;
  /** Its arguments with blanks between them; `[name]` where it has none. */
  readonly command: string;
}
