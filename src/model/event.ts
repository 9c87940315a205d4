import type { Address } from './address.ts';
import type { BuildStep } from './build.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { ErrorReport } from './error.ts';
import type { HealthStatus } from './health.ts';
import type { Plan, StepId, StepType } from './plan.ts';

/** What a running request tells its client, one JSON object a line (application/x-ndjson). */
export type ProgressEvent =
  | { readonly type: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly type: 'plan'; readonly plan: Plan }
  | { readonly type: 'step-started'; readonly step: StepId; readonly stepType: StepType; readonly address: Address }
  /** A step that waits says what for: `postgres to be healthy`. */
  | { readonly type: 'step-waiting'; readonly step: StepId; readonly for: string }
  | { readonly type: 'step-done'; readonly step: StepId; readonly durationMs: number }
  | { readonly type: 'step-failed'; readonly step: StepId; readonly error: ErrorReport }
  | { readonly type: 'rolling-back'; readonly steps: number }
  /** A blob of an image on its way; `subject`: the image or archive. Bytes packed, `size` in all. */
  | {
      readonly type: 'transfer';
      readonly subject: string;
      readonly digest: string;
      readonly bytes: number;
      readonly size: number;
    }
  | ({ readonly type: 'build-step'; readonly state: 'started' } & BuildStep)
  /** `cached`: nothing was done for it. */
  | ({
      readonly type: 'build-step';
      readonly state: 'done' | 'cached' | 'failed';
      readonly durationMs: number;
    } & BuildStep)
  /** What a step wrote, text with its line breaks, in pieces as they came. */
  | { readonly type: 'build-output'; readonly build: string; readonly id: string; readonly text: string }
  | { readonly type: 'warning'; readonly message: string }
  /** `watch` tells what it saw and what it does. */
  | { readonly type: 'note'; readonly message: string }
  /** Something went wrong and the request goes on: `watch` with a broken stack file. */
  | { readonly type: 'problem'; readonly error: ErrorReport }
  | { readonly type: 'done'; readonly result: unknown }
  | { readonly type: 'failed'; readonly error: ErrorReport };

/** What happened to a container, kept in the records. */
export interface ContainerEvent {
  readonly timeMs: number;
  readonly stack: string;
  readonly address: Address;
  /** The container's name and its image (`oci:/dir:latest`, `host`, …); absent in what older daemons kept. */
  readonly name?: string;
  readonly image?: string;
  readonly event:
    | 'create'
    | 'start'
    | 'exit'
    | 'oom'
    | 'restart'
    | 'stop'
    | 'remove'
    | 'health'
    | 'hook'
    | 'update'
    | 'kill'
    | 'pause'
    | 'unpause';
  readonly exitCode?: number;
  /** `SIGKILL`: of an exit whose status tells of a signal. */
  readonly signal?: string;
  /** Of a restart: how many there were since the last start by a user. */
  readonly restarts?: number;
  readonly health?: HealthStatus;
  readonly detail?: string;
}
