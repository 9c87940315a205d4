import type { HostOp } from '../../host/op.ts';
import type { ContainerSpec } from '../../model/container.ts';
import { TsstackError } from '../../model/error.ts';
import type { WaitFor } from '../../model/plan.ts';
import { hostsOf } from '../../network/network-owner.ts';
import { containerPaths } from '../../store/paths.ts';
import type { ExecutorContext } from '../context.ts';
import type { Handler } from '../handler.ts';
import { resolvConfOf } from '../resolv-conf.ts';
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
    // Its names are known, and those that it asks for, before it can ask.
    await context.serving?.update();
  },

  operations: async ({ spec }, context) => [...staleFiles(context, spec), ...(await startOperations(context, spec))],

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

/** What was written when the container was made, and is otherwise now. */
function staleFiles(context: ExecutorContext, spec: ContainerSpec): readonly HostOp[] {
  const { host, paths, records } = context;
  const files = containerPaths(paths, spec.key);
  const endpoints = records.container(spec.key)?.endpoints ?? [];
  const wanted = [
    { path: files.hosts, data: hostsOf(context, spec, endpoints) },
    { path: files.resolvConf, data: resolvConfOf(context, spec, endpoints) },
  ];
  return wanted.flatMap(({ path, data }): readonly HostOp[] => {
    const present = host.readText(path);
    return present === undefined || present === data ? [] : [{ op: 'write-in-place', path, data }];
  });
}

function describeWait({ service, condition }: WaitFor): string {
  return condition === 'service_healthy' ? `${service} to be healthy` : `${service} to complete`;
}
