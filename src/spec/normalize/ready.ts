import type { Healthcheck } from '../../model/stack.ts';
import { durationMs } from '../duration.ts';
import { type Dict, isDict, type Value } from '../node.ts';
import { parseReady } from '../ready.ts';
import { defined, numberAt, textAt } from './read.ts';

/** The texts of `x-ready`, whichever of its forms was written. */
function readyTexts(value: Value | undefined): readonly string[] {
  if (isDict(value)) return readyTexts(value['test']);
  return (Array.isArray(value) ? value : [value ?? []].flat()).map(String);
}

/** A health check of what `x-ready` says; absent: it says nothing. `checkReady` has complained of what is wrong. */
export function readyCheck(value: Value | undefined): Partial<Healthcheck> | undefined {
  const ready = readyTexts(value).flatMap((text) => {
    const parsed = parseReady(text);
    return 'problem' in parsed ? [] : [parsed];
  });
  if (ready.length === 0) return undefined;
  const times: Dict = isDict(value) ? value : {};
  const ms = (key: string): number | undefined => {
    const written = textAt(times, key);
    return written === undefined ? undefined : durationMs(written) || undefined;
  };
  return defined({
    test: [],
    ready,
    intervalMs: ms('interval'),
    timeoutMs: ms('timeout'),
    retries: numberAt(times, 'retries') || undefined,
    startPeriodMs: ms('start_period'),
    startIntervalMs: ms('start_interval'),
  });
}
