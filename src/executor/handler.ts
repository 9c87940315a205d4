import type { HostOp } from '../host/op.ts';
import type { Step, StepType } from '../model/plan.ts';
import type { ExecutorContext } from './context.ts';

export type StepOf<Type extends StepType> = Extract<Step, { readonly type: Type }>;

/**
 * How one kind of step is done: first `before` (waiting, recording what is about to be), then the operations, then
 * `after`. `operations` is data made from the step and looks at the machine at most; `plan --script` prints it.
 */
export interface Handler<Type extends StepType> {
  before?(step: StepOf<Type>, context: ExecutorContext, run: StepRun): Promise<void> | void;
  operations(step: StepOf<Type>, context: ExecutorContext): Promise<readonly HostOp[]> | readonly HostOp[];
  /** Turns what an operation threw into words that a user understands. */
  explain?(error: unknown, step: StepOf<Type>, context: ExecutorContext): Promise<unknown> | unknown;
  after?(step: StepOf<Type>, context: ExecutorContext, run: StepRun): Promise<void> | void;
}

/** A step while it is carried out. */
export interface StepRun {
  readonly signal: AbortSignal;
  /** Tells the client what is waited for. */
  readonly waiting: (what: string) => void;
  /** Tells the client of something that is no failure. */
  readonly warn: (message: string) => void;
  /** Work that is only waiting: meanwhile another step may be under way in this one's place. */
  readonly idle: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/** One handler a step type: a type without one does not compile. */
export type Handlers = { readonly [Type in StepType]: Handler<Type> };
