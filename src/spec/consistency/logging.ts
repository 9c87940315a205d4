import { at, complain } from '../canonical/context.ts';
import { DEFAULT_DRIVER, logLimit } from '../log-options.ts';
import { isDict } from '../node.ts';
import { stringsAt } from '../normalize/read.ts';
import { quoted } from '../printable.ts';
import type { ServiceAt } from './input.ts';

/** Limits of a log are sizes and numbers. */
export function checkLogging({ service, place }: ServiceAt): void {
  const written = service['logging'];
  if (!isDict(written)) return;
  const options = stringsAt(written, 'options');
  for (const { option, problem, hint } of logLimit(String(written['driver'] ?? DEFAULT_DRIVER), options).problems) {
    const where = at(at(at(place, 'logging'), 'options'), option);
    complain(where, { message: `logging.options.${option} is ${quoted(options[option] ?? '')}: ${problem}`, hint });
  }
}
