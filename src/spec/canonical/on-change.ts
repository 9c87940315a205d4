import { parseSignal } from '../../lib/signal-number.ts';
import { quoted } from '../printable.ts';
import { complain, nameOf } from './context.ts';
import type { Shape } from './shape.ts';

/** `x-on-change`: the schema knows its words, but not the names of signals. */
export const onChange: Shape = (value, place) => {
  const [, signal] = /^signal:(.+)$/.exec(String(value)) ?? [];
  if (signal !== undefined && parseSignal(signal) === undefined) {
    const hint = 'write a signal such as signal:HUP or signal:SIGUSR1';
    complain(place, { message: `${nameOf(place)}: there is no signal ${quoted(signal)}`, hint });
  }
  return String(value);
};
