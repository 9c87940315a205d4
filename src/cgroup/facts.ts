import type { Host } from '../host/host.ts';
import { once } from '../lib/once.ts';
import { TsstackError } from '../model/error.ts';
import { readDeviceNumber } from './device-number.ts';

/** What a controller must know of the machine. */
export interface Facts {
  /** Text of a file in the root cgroup of the controller's hierarchy; undefined when it is not there. Read once. */
  readonly readRoot: (file: string) => string | undefined;
  /** Is there this file or directory of the machine? Looked at once. */
  readonly exists: (path: string) => boolean;
  /** `8:0` of a block device's path. Throws `not-found`. */
  readonly blockDevice: (path: string) => string;
}

export function readFacts(host: Host, mount: string): Facts {
  return {
    readRoot: once((file) => host.readText(`${mount}/${file}`)),
    exists: once((path) => host.stat(path) !== undefined),
    blockDevice(path) {
      const { type, number } = readDeviceNumber(host, path);
      if (type === 'block') return number;
      throw new TsstackError('not-found', `${JSON.stringify(path)} is no block device`);
    },
  };
}

/** Stands for a device that is not there, in facts for looking. */
export const NO_DEVICE = 'no device';

/** For looking, not for acting: a block device that is gone is no error. */
export function lenient(facts: Facts): Facts {
  return {
    ...facts,
    blockDevice(path) {
      try {
        return facts.blockDevice(path);
      } catch (error) {
        if (error instanceof TsstackError && error.code === 'not-found') return NO_DEVICE;
        throw error;
      }
    },
  };
}
