import { dict, isDict } from '../node.ts';
import { quoted } from '../printable.ts';
import { complain, nameOf } from './context.ts';
import { labels, list, object, type Shape, text, word } from './shape.ts';

const requestCount: Shape = (value, place) => {
  const count = String(value).toLowerCase() === 'all' ? -1 : Number(value);
  if (Number.isInteger(count)) return count;
  complain(place, { message: `${nameOf(place)} is ${quoted(value)}: write a number of devices, or "all"` });
  return undefined;
};

/** Requests for devices by capability; without a count and ids: all (-1). */
export const gpuRequests: Shape = list((value, place) => {
  if (isDict(value) && value['count'] !== undefined && value['device_ids'] !== undefined) {
    complain(place, { code: 'conflict.key', message: `${nameOf(place)} has both "count" and "device_ids": keep one` });
  }
  return object(
    { capabilities: list(word), driver: text, count: requestCount, device_ids: list(word), options: labels },
    (result) => {
      if (result['count'] === undefined && result['device_ids'] === undefined) result['count'] = -1;
    },
  )(value, place);
});

/** `gpus`: `all`, or requests. */
export const gpus: Shape = (value, place) =>
  typeof value === 'string' ? [Object.assign(dict(), { count: -1 })] : gpuRequests(value, place);

/** One of `devices`: `SOURCE[:TARGET[:PERMISSIONS]]` or a mapping. */
export const device: Shape = (value, place) => {
  if (isDict(value)) return object({ source: text, target: text, permissions: text })(value, place);
  const parts = String(value).split(':');
  if (parts.length > 3) complain(place, { message: `device ${quoted(value)} is not SOURCE[:TARGET[:PERMISSIONS]]` });
  return Object.assign(dict(), { source: parts[0], target: parts[1] || parts[0], permissions: parts[2] ?? 'rwm' });
};
