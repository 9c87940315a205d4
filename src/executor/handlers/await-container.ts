import { preStartReplica } from '../../model/pre-start.ts';
import { containerPaths } from '../../store/paths.ts';
import type { Handler } from '../handler.ts';

/** What a container of `pre_start` has said is found in the log of the replica that it ran for, as that of hooks. */
export const awaitContainerHandler: Handler<'await-container'> = {
  async before({ spec: { key } }, { control }, run) {
    run.waiting('it to complete');
    const { stack, service, index } = key;
    const completed = {
      service,
      replicas: [index],
      condition: 'service_completed_successfully',
      required: true,
    } as const;
    await run.idle(() => control.waitFor(stack, completed, run.signal));
  },
  operations({ spec }, { paths }) {
    const replica = preStartReplica(spec);
    if (replica === undefined) return [];
    const { log } = containerPaths(paths, spec.key);
    const script = 'sed "s/^/-> /" <"$0" >>"$1"';
    return [{ op: 'run', argv: ['sh', '-c', script, log, containerPaths(paths, replica).log] }];
  },
};
