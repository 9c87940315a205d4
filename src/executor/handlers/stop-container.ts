import type { Handler } from '../handler.ts';
import { closeToHost } from '../sandbox.ts';

/** Published ports go with the process: a stopped container must not keep the host's ports from others. */
export const stopContainerHandler: Handler<'stop-container'> = {
  async before({ spec, timeoutMs }, { control }, run) {
    await run.idle(() => control.stop(spec.key, timeoutMs));
  },
  operations({ spec }, { records }) {
    const record = records.container(spec.key);
    return closeToHost({ spec, endpoints: record?.endpoints ?? [], ports: record?.ports ?? [] });
  },
  after({ spec, address }, { emit }) {
    emit({ stack: spec.key.stack, address, event: 'stop' });
  },
};
