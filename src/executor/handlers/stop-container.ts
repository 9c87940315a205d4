import type { ContainerControl, ExecutorContext } from '../context.ts';
import type { Handler, StepOf, StepRun } from '../handler.ts';
import { closeToHost } from '../sandbox.ts';

/** Published ports go with the process: a stopped container must not keep the host's ports from others. */
export const stopContainerHandler: Handler<'stop-container'> = {
  async before(step, context, run) {
    const deadlineMs = performance.now() + step.timeoutMs;
    await run.idle(async () => {
      if (step.spec.preStop !== undefined && step.timeoutMs > 0)
        await runPreStop(step, context, { ...run, deadlineMs });
      await context.control.stop(step.spec.key, Math.max(0, Math.round(deadlineMs - performance.now())));
    });
  },
  operations({ spec }, { records }) {
    const record = records.container(spec.key);
    return record === undefined ? [] : closeToHost({ ...record, spec });
  },
  after({ spec, address }, { emit }) {
    emit({ stack: spec.key.stack, address, event: 'stop' });
  },
};

/** A hook that fails leaves the container running, as with Compose; one whose time is over does not. */
async function runPreStop(
  { spec: { key }, whateverHooksSay }: StepOf<'stop-container'>,
  { control, records }: ExecutorContext,
  { warn, waiting, deadlineMs }: StepRun & { readonly deadlineMs: number },
): Promise<void> {
  waiting('its pre_stop hooks');
  // A hook may end the container itself: that is no reason to start it again.
  records.updateContainer(key, { stoppedByUser: true });
  const error = await failureOf(control.runHooks(key, { kind: 'preStop', deadlineMs }));
  if (error === undefined) return;
  if (whateverHooksSay !== true && performance.now() < deadlineMs) {
    records.updateContainer(key, { stoppedByUser: false });
    throw error;
  }
  warn(error instanceof Error ? error.message : String(error));
}

function failureOf(hooks: ReturnType<ContainerControl['runHooks']>): Promise<unknown> {
  return hooks.then(
    () => undefined,
    (error: unknown) => error,
  );
}
