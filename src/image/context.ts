import type { Host } from '../host/host.ts';
import type { Paths } from '../store/paths.ts';
import type { UnpackLimits } from './limits.ts';

export interface ImageContext {
  readonly host: Host;
  readonly paths: Paths;
  /** Absent: the machine's. */
  readonly limits?: UnpackLimits;
}
