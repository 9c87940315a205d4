import type { ContainerSpec } from '../model/container.ts';

/** What of a container decides about its standard streams. */
type Streams = Pick<ContainerSpec, 'tty' | 'stdinOpen' | 'oneOff'>;

/** `run web dump > file` must keep apart what a program says of its work: its standard error goes into a file of its own. */
export function hasErrorLog({ tty, oneOff }: Streams): boolean {
  return oneOff !== undefined && oneOff.preStart === undefined && !tty;
}

/** What output is appended to. */
export function logTarget({ logDriver }: Pick<ContainerSpec, 'logDriver'>, log: string): string {
  return logDriver === 'none' ? '/dev/null' : log;
}

/** Standard input ends when the one client that writes to it does, as that of a pipeline; else it never ends. */
export function endsInput({ tty, stdinOpen, oneOff }: Streams): boolean {
  return stdinOpen && oneOff !== undefined && !tty;
}

/** Something outside the container holds the other end of its standard streams, from before its start until its end. */
export function hasRelay(spec: Streams): boolean {
  return spec.tty || endsInput(spec);
}
