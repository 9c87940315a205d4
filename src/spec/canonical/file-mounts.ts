import { dict, isDict } from '../node.ts';
import { onChange } from './on-change.ts';
import { list, object, type Shape, text } from './shape.ts';

const mode: Shape = (value, place) => (typeof value === 'number' ? `0${value.toString(8)}` : text(value, place));

/** `configs` and `secrets` of a service: names, or mappings. `folder` holds those without a target. */
export function fileMounts(folder?: string): Shape {
  const long = object({ source: text, target: text, uid: text, gid: text, mode, 'x-on-change': onChange }, (result) => {
    if (folder !== undefined) result['target'] ??= `${folder}/${String(result['source'] ?? '')}`;
  });
  return list((value, place) => {
    const result = long(isDict(value) ? value : Object.assign(dict(), { source: value }), place);
    if (isDict(result)) place.context.places.set(result, place);
    return result;
  });
}
