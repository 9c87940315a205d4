import { dict, isDict } from '../node.ts';
import { mapOf, number, object, type Shape } from './shape.ts';

/** `nofile: 1024` or `nofile: {soft, hard}`; the reference leaves zeros out, so `core: 0` prints as `{}`. */
export const ulimits: Shape = mapOf((value, place) =>
  isDict(value) ? object({ soft: number, hard: number })(value, place) : (number(value, place) ?? dict()),
);
