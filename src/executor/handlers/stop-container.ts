import { unpublishPorts } from '../../network/ports.ts';
import type { Handler } from '../handler.ts';

/** Published ports go with the process: a stopped container must not keep the host's ports from others. */
export const stopContainerHandler: Handler<'stop-container'> = {
  async before({ spec, timeoutMs }, { control }) {
    await control.stop(spec.key, timeoutMs);
  },
  operations({ spec }, { records }) {
    const record = records.container(spec.key);
    return unpublishPorts(spec.key, record?.ports ?? [], record?.endpoints ?? []);
  },
  after({ spec, address }, { emit }) {
    emit({ stack: spec.key.stack, address, event: 'stop' });
  },
};
