import { TsstackError } from '../../model/error.ts';
import type { WaitFor } from '../../model/plan.ts';
import { containerPaths } from '../../store/paths.ts';
import type { Handler } from '../handler.ts';
import { hostsOf } from '../hosts.ts';
import { explainStartError, recordStart, startOperations } from '../start.ts';

export const startContainerHandler: Handler<'start-container'> = {
  async before({ spec, waitFor, address }, context, run) {
    for (const condition of waitFor) {
      if (condition.condition !== 'service_started') run.waiting(describeWait(condition));
      try {
        await run.idle(() => context.control.waitFor(spec.key.stack, condition, run.signal));
      } catch (error) {
        if (condition.required || !(error instanceof TsstackError) || error.code !== 'dependency-failed') throw error;
        run.warn(`${address} is started without ${condition.service}: ${error.message}`);
        const detail = `without ${condition.service}: ${error.message}`;
        context.emit({ stack: spec.key.stack, address, event: 'start', detail });
      }
    }
    recordStart(context, spec.key, 'user');
  },

  async operations({ spec }, context) {
    const { host, paths, records } = context;
    const hosts = containerPaths(paths, spec.key).hosts;
    const endpoints = records.container(spec.key)?.endpoints ?? [];
    const text = hostsOf(context, spec, endpoints);
    const stale = host.readText(hosts) !== undefined && host.readText(hosts) !== text;
    return [
      ...(stale ? [{ op: 'write-in-place' as const, path: hosts, data: text }] : []),
      ...(await startOperations(context, spec)),
    ];
  },

  explain: (error, { spec, address }, context) => explainStartError(context, spec, address, error),

  async after({ spec, address }, context, run) {
    // Told first: one that ends at once is told of when it is watched.
    context.emit({ stack: spec.key.stack, address, event: 'start' });
    context.control.started(spec.key);
    if (spec.postStart === undefined) return;
    run.waiting('its post_start hooks');
    await run.idle(() => context.control.runHooks(spec.key, { kind: 'postStart', signal: run.signal }));
  },
};

function describeWait({ service, condition }: WaitFor): string {
  return condition === 'service_healthy' ? `${service} to be healthy` : `${service} to complete`;
}
