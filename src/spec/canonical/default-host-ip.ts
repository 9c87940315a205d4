import { isIP } from 'node:net';
import { type Dict, isDict, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { at, type Context, complain, rootPlace } from './context.ts';

const KEY = 'x-default-host-ip';
/** What a user sets for all stacks, in the environment or in `.env`. */
const VARIABLE = 'TSSTACK_DEFAULT_HOST_IP';

/** The value of `x-default-host-ip`, else of the variable. */
export function defaultHostIp(
  written: Value | undefined,
  lookup: (name: string) => string | undefined,
): Value | undefined {
  return written === undefined ? lookup(VARIABLE) : written;
}

/**
 * Ports that name no address of the host get that of `x-default-host-ip`, else that of the variable. Absent or empty:
 * every address, as Compose has it. A port that is to be open all the same names `0.0.0.0`.
 */
export function applyDefaultHostIp(
  services: Dict,
  written: Value | undefined,
  lookup: (name: string) => string | undefined,
  context: Context,
): void {
  const place = at(rootPlace(context), written === undefined ? 'services' : KEY);
  const address = defaultHostIp(written, lookup);
  if (address === undefined || address === null || address === '') return;
  if (typeof address !== 'string' || isIP(address) === 0) {
    const what = written === undefined ? VARIABLE : KEY;
    complain(place, {
      message: `${what} must be an address of this machine, not ${quoted(String(address))}`,
      hint: 'write for example 127.0.0.1, or 0.0.0.0 for all of them',
    });
    return;
  }
  for (const service of Object.values(services)) {
    if (!isDict(service) || !Array.isArray(service['ports'])) continue;
    for (const port of service['ports']) if (isDict(port)) port['host_ip'] ??= address;
  }
}
