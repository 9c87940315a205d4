import { printableLine } from '../../lib/printable-lines.ts';
import type { BuildStep } from '../../model/build.ts';
import type { ProgressEvent } from '../../model/event.ts';

export type StepEvent = Extract<ProgressEvent, { readonly type: 'build-step' }>;
export type OutputEvent = Extract<ProgressEvent, { readonly type: 'build-output' }>;
/** What a build tells of. */
export type BuildEvent = StepEvent | OutputEvent;

export function isBuildEvent(event: ProgressEvent): event is BuildEvent {
  return event.type === 'build-step' || event.type === 'build-output';
}

/** `web 2.3`: tells a step from all others. */
export function stepName({ build, id }: Pick<BuildStep, 'build' | 'id'>): string {
  return `${build} ${id}`;
}

/** `[builder 3/7] RUN make`, in one line. */
export function stepTitle({ stage, number, count, text }: BuildStep): string {
  const line = printableLine(text.replaceAll(/\s*\\?\s*\n\s*/g, ' '));
  return number === undefined || count === undefined ? line : `[${stage} ${number}/${count}] ${line}`;
}
