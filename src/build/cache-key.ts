import { stableHash } from '../lib/stable-json.ts';
import type { Step } from './dockerfile/expand.ts';
import type { Values } from './dockerfile/scope.ts';

/** Changes when a step means something else than before: no key of an older version is found again. */
const VERSION = 2;

/** A file that a step takes. */
export interface KeyFile {
  /** Where it goes. */
  readonly to: string;
  /** What `entryDigest()` gave. */
  readonly digest: string;
}

export interface StepInput {
  /** Chain id of the layers so far; empty: none. */
  readonly parent: string;
  readonly step: Step;
  /** Of RUN: `StageScope.runEnvironment().values`. Other steps have the values that they read in themselves. */
  readonly environment?: Values;
  /** Of COPY and ADD, in any order, heredocs too, with the owner and mode that they get. */
  readonly files?: readonly KeyFile[];
  /** Of a RUN's mounts, in their order: the key of the stage or image each one shows; absent for one without. */
  readonly mounts?: readonly (string | undefined)[];
  /** What the result depends on besides: user, working directory and shell as the stage has them. */
  readonly state?: Readonly<Record<string, unknown>>;
}

/** The key that a step's result is kept under, in hex: equal for equal input, whatever its place in the file. */
export function stepKey({ parent, step, environment, files = [], mounts = [], state = {} }: StepInput): string {
  return stableHash({
    version: VERSION,
    parent,
    step: canonical(step),
    environment: environment === undefined ? [] : sorted(environment),
    files: files.map(({ to, digest }) => [to, digest]).sort(byFirst),
    mounts: mounts.map((key) => key ?? ''),
    state,
  });
}

/** An instruction without what the result does not depend on: its place, and where it is the files that count, their names. */
function canonical(step: Step): Readonly<Record<string, unknown>> {
  const { position, ...rest } = step;
  if (step.type !== 'copy' && step.type !== 'add') return rest;
  const remote = step.sources.filter((source) => /^(https?:|git@|ssh:|git:)/.test(source));
  const { type, link } = step;
  const checksum = step.type === 'add' ? step.checksum : undefined;
  return { type, link, checksum, sources: remote };
}

function sorted(values: Values): readonly (readonly [string, string])[] {
  return [...values].sort(byFirst);
}

function byFirst(left: readonly string[], right: readonly string[]): number {
  const [one = '', other = ''] = [left[0], right[0]];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
