import type { Context } from '../command.ts';

/** Options of `tsstack volume`; each verb has some of them. */
export interface VolumeOptions {
  readonly quiet: boolean;
  readonly force: boolean;
  readonly all: boolean;
  readonly output: string | undefined;
  readonly label: readonly string[];
  readonly opt: readonly string[];
}

/** One thing to do with volumes; gives the exit status. */
export type Verb = (context: Context, names: readonly string[], options: VolumeOptions) => Promise<number>;
