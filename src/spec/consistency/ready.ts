import { at, type Context, complain, type Place, pathOf } from '../canonical/context.ts';
import { parseDuration } from '../duration.ts';
import { isDict, nodeAt, toValue, type Value } from '../node.ts';
import { quoted } from '../printable.ts';
import { parseReady } from '../ready.ts';
import type { CheckInput, ServiceAt } from './input.ts';

const TIMES = ['interval', 'timeout', 'start_period', 'start_interval'];

/** What `x-ready` says must be something that can be looked for, and the only word on the service's health. */
export function checkReady(input: CheckInput, context: Context): void {
  for (const each of input.services) {
    const place = at(each.place, 'x-ready');
    const node = nodeAt(context.root, pathOf(place));
    if (node === undefined) continue;
    const value = toValue(node);
    checkTests(isDict(value) ? value['test'] : value, isDict(value) ? at(place, 'test') : place);
    if (isDict(value)) for (const key of TIMES) checkTime(value[key], at(place, key));
    checkAlone(each, place);
    checkKept(each, isDict(value) ? value['test'] : value, place);
  }
}

function checkTests(tests: Value | undefined, place: Place): void {
  const texts = Array.isArray(tests) ? tests : [tests ?? ''];
  if (texts.length === 0) checkTest('', place);
  for (const [index, text] of texts.entries()) checkTest(text, Array.isArray(tests) ? at(place, index) : place);
}

function checkTest(text: Value, place: Place): void {
  const parsed = parseReady(String(text));
  if (!('problem' in parsed)) return;
  const hint = 'write tcp:PORT, http:PORT/PATH, file:/PATH or log:"REGEX"';
  complain(place, { message: `x-ready ${quoted(String(text))}: ${parsed.problem}`, hint });
}

function checkTime(value: Value | undefined, place: Place): void {
  if (value === undefined || value === null || parseDuration(String(value)) !== undefined) return;
  complain(place, {
    message: `x-ready: ${quoted(String(value))} is not a duration`,
    hint: 'write 500ms, 10s or 1m30s',
  });
}

/** A line of output is looked for where output is kept. */
function checkKept({ service }: ServiceAt, tests: Value | undefined, place: Place): void {
  const logging = service['logging'];
  if (!isDict(logging) || logging['driver'] !== 'none') return;
  if (![tests].flat().some((test) => String(test).startsWith('log:'))) return;
  const message = 'x-ready looks for a line of output, and "logging.driver: none" keeps none: keep one';
  complain(place, { code: 'conflict.key', message, key: true });
}

function checkAlone({ name, service }: ServiceAt, place: Place): void {
  const check = service['healthcheck'];
  if (!isDict(check) || check['disable'] === true || (Array.isArray(check['test']) && check['test'][0] === 'NONE'))
    return;
  const message = `the service "${name}" has both "healthcheck" and "x-ready": keep one`;
  complain(place, { code: 'conflict.key', message, key: true });
}
