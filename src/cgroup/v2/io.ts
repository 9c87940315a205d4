import type { Blkio, DeviceRate } from '../../model/limits.ts';
import type { Controller } from '../controller.ts';
import type { Facts } from '../facts.ts';
import { type Limit, showsLine } from '../limit.ts';

/** kernel: admin-guide/cgroup-v2.rst, block/bfq-iosched.rst. */
export const io: Controller = {
  name: 'io',
  limits(resources, facts) {
    const { blkio } = resources;
    return blkio === undefined ? [] : [...weights(blkio, facts), ...maxima(blkio, facts)];
  },
  supports(file, facts) {
    // The root has neither weight file; it has io.cost.qos where its children have io.weight.
    if (file === 'io.weight') return facts.readRoot('io.cost.qos') !== undefined;
    return file !== 'io.bfq.weight' || hasBfq(facts);
  },
};

/** Weights are those of the I/O scheduler BFQ where it is loaded, else of the I/O cost controller. */
function hasBfq(facts: Facts): boolean {
  return facts.exists('/sys/module/bfq');
}

function weights(blkio: Blkio, facts: Facts): readonly Limit[] {
  const bfq = hasBfq(facts);
  const file = bfq ? 'io.bfq.weight' : 'io.weight';
  const convert = (weight: number) => String(bfq ? weight : ioWeight(weight));
  const limits: Limit[] = [];
  if (blkio.weight !== undefined && blkio.weight > 0) {
    const data = `default ${convert(blkio.weight)}`;
    limits.push({
      file,
      device: 'default',
      data,
      reset: 'default 100',
      askedBy: 'blkio_config.weight',
      matches: showsLine(data),
    });
  }
  for (const { path, weight } of blkio.weightDevice) {
    const device = facts.blockDevice(path);
    const data = `${device} ${convert(weight)}`;
    const reset = `${device} default`;
    limits.push({ file, device, data, reset, askedBy: 'blkio_config.weight_device', matches: showsLine(data) });
  }
  return limits;
}

/** From blkio's 10 to 1000 to io.weight's 1 to 10000, linear as in runc (ConvertBlkIOToIOWeightValue). */
function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** One line of io.max a device, with all four of its limits. */
function maxima(blkio: Blkio, facts: Facts): readonly Limit[] {
  const byDevice = new Map<string, Map<string, number>>();
  const collect = (key: string, rates: readonly DeviceRate[]) => {
    for (const { path, rate } of rates) {
      const device = facts.blockDevice(path);
      const entries = byDevice.get(device) ?? new Map<string, number>();
      byDevice.set(device, entries.set(key, rate));
    }
  };
  collect('rbps', blkio.deviceReadBps);
  collect('wbps', blkio.deviceWriteBps);
  collect('riops', blkio.deviceReadIops);
  collect('wiops', blkio.deviceWriteIops);
  return [...byDevice].map(([device, entries]) => {
    const line = (of: (key: string) => string | number) =>
      [device, ...['rbps', 'wbps', 'riops', 'wiops'].map((key) => `${key}=${of(key)}`)].join(' ');
    const data = line((key) => entries.get(key) || 'max');
    const reset = line(() => 'max');
    return { file: 'io.max', device, data, reset, askedBy: 'blkio_config.device_*', matches: showsLine(data) };
  });
}

/** Sums `rbytes=` or `wbytes=` over the devices of io.stat. */
export function parseIoBytes(stat: string | undefined, key: 'rbytes' | 'wbytes'): number {
  const values = (stat ?? '').matchAll(/ (\w+)=(\d+)/g);
  return [...values].filter((value) => value[1] === key).reduce((sum, value) => sum + Number(value[2]), 0);
}
