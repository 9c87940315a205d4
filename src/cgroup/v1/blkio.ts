import type { DeviceRate, Resources } from '../../model/limits.ts';
import type { Controller } from '../controller.ts';
import type { Facts } from '../facts.ts';
import { type Limit, shows, showsLine } from '../limit.ts';

/** kernel: admin-guide/cgroup-v1/blkio-controller.rst, block/bfq-iosched.rst. */
export const blkio: Controller = {
  name: 'blkio',
  limits(resources, facts) {
    const blkio = resources.blkio;
    if (blkio === undefined) return [];
    return [
      ...weights(blkio, facts),
      ...rates('blkio.throttle.read_bps_device', 'device_read_bps', blkio.deviceReadBps, facts),
      ...rates('blkio.throttle.write_bps_device', 'device_write_bps', blkio.deviceWriteBps, facts),
      ...rates('blkio.throttle.read_iops_device', 'device_read_iops', blkio.deviceReadIops, facts),
      ...rates('blkio.throttle.write_iops_device', 'device_write_iops', blkio.deviceWriteIops, facts),
    ];
  },
  supports(file, facts) {
    // The root has no weights; it has BFQ's statistics where children have BFQ's weights.
    if (file.startsWith('blkio.bfq.')) return facts.readRoot('blkio.bfq.io_service_bytes') !== undefined;
    return facts.readRoot(file) !== undefined;
  },
};

/** Weights are the I/O scheduler's: CFQ's up to Linux 4.20, BFQ's since. */
function weights(blkio: NonNullable<Resources['blkio']>, facts: Facts): readonly Limit[] {
  const prefix = facts.readRoot('blkio.weight_device') === undefined ? 'blkio.bfq.weight' : 'blkio.weight';
  const limits: Limit[] = [];
  if (blkio.weight !== undefined && blkio.weight > 0) {
    const data = String(blkio.weight);
    const reset = prefix === 'blkio.weight' ? '500' : '100';
    limits.push({ file: prefix, data, reset, askedBy: 'blkio_config.weight', matches: shows(data) });
  }
  for (const { path, weight } of blkio.weightDevice) {
    const device = facts.blockDevice(path);
    limits.push({
      file: `${prefix}_device`,
      device,
      data: `${device} ${weight}`,
      reset: `${device} 0`,
      askedBy: 'blkio_config.weight_device',
      matches: showsLine(`${device} ${weight}`),
    });
  }
  return limits;
}

function rates(file: string, key: string, list: readonly DeviceRate[], facts: Facts): readonly Limit[] {
  return list.map(({ path, rate }) => {
    const device = facts.blockDevice(path);
    const data = `${device} ${rate}`;
    return {
      file,
      device,
      data,
      reset: `${device} 0`,
      askedBy: `blkio_config.${key}`,
      matches: showsLine(data),
    };
  });
}

/** Sums lines such as `254:0 Read 4096`. */
export function parseIoBytes(serviceBytes: string | undefined, operation: 'Read' | 'Write'): number {
  const lines = (serviceBytes ?? '').matchAll(/^\d+:\d+ (\w+) (\d+)$/gm);
  return [...lines].filter((line) => line[1] === operation).reduce((sum, line) => sum + Number(line[2]), 0);
}
