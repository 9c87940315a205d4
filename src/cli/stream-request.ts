import type { ProgressEvent } from '../model/event.ts';
import { fromReport } from './client.ts';
import type { Context } from './command.ts';
import { EXIT } from './command.ts';
import type { ProgressView } from './progress.ts';
import { uniqueName } from './unique-name.ts';
import { renderPlan } from './views/plan.ts';
import { JsonProgress } from './views/progress-json.ts';
import { PlainProgress } from './views/progress-plain.ts';
import { SilentProgress } from './views/progress-silent.ts';

interface StreamOptions {
  readonly path: string;
  /** Everything but the request's id. */
  readonly body: object;
  /** Sees every event before it is shown. */
  readonly onEvent?: (event: ProgressEvent) => void;
  /** A request without end of its own, which Ctrl-C ends: its progress is lines, one after the other. */
  readonly endless?: true;
  /** Only errors are shown. */
  readonly quiet?: boolean;
  /** Events that are not shown, but as JSON. Absent: none. */
  readonly hidden?: readonly ProgressEvent['type'][];
  /** Absent: live on a terminal, else plain; events as they are with the format json. */
  readonly progress?: 'tty' | 'plain' | 'json';
}

/**
 * Makes a request that takes a while and shows its progress. The first Ctrl-C asks the daemon to cancel, the second
 * leaves at once. Gives the result of `done`; throws the error of `failed`.
 */
export async function streamRequest<T>(context: Context, options: StreamOptions): Promise<T> {
  const requestId = uniqueName();
  const dryRun = context.globals['dry-run'];
  const body = { ...options.body, requestId, ...(dryRun && { dryRun }) };
  const events = context.client.progress(options.path, body);
  const first = events.next();
  // Handled below; without this a failure would count as unhandled while the view is loading.
  first.catch(() => {});
  const view = await openView(context, options);
  const note = options.endless === true ? 'Ending…' : 'Cancelling…';
  const onInterrupt = cancelOnInterrupt(context, requestId, () => view.note(`${note} (Ctrl-C again to leave at once)`));
  process.on('SIGINT', onInterrupt);
  try {
    for (let next = await first; next.done !== true; next = await events.next()) {
      const event = next.value;
      options.onEvent?.(event);
      if (context.format === 'json' || options.hidden?.includes(event.type) !== true) view.show(event);
      if (dryRun) showDryRun(context, event);
      if (event.type === 'done') return event.result as T;
      if (event.type === 'failed') throw fromReport(event.error);
    }
    throw new Error('a stream without end event');
  } finally {
    process.off('SIGINT', onInterrupt);
    await view.close();
  }
}

/** The plan is the result. */
function showDryRun({ format, out, err }: Context, event: ProgressEvent): void {
  if (format === 'json') return;
  if (event.type === 'plan') out.write(renderPlan(event.plan, out.style));
  if (event.type === 'done') err.write('Dry run: nothing was changed\n');
}

async function openView(context: Context, { quiet, endless, progress }: StreamOptions): Promise<ProgressView> {
  if (progress === 'json') return new JsonProgress(context.err);
  if (context.format === 'json') return new JsonProgress(context.out);
  if (quiet === true) return new SilentProgress();
  if (endless === true || progress === 'plain' || !context.err.isTerminal) return new PlainProgress(context.err);
  const { LiveProgress } = await import('./views/progress-live.ts');
  return new LiveProgress(context.err);
}

function cancelOnInterrupt(context: Context, requestId: string, say: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) process.exit(EXIT.interrupted);
    asked = true;
    say();
    // What becomes of it is told by the request's own last event.
    context.client.post('/v1/cancel', { requestId }).catch(() => {});
  };
}
