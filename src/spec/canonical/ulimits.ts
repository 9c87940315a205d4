import { isDict } from '../node.ts';
import { count, mapOf, object, type Shape } from './shape.ts';

/** `nofile: 1024` or `nofile: {soft, hard}`. */
export const ulimits: Shape = mapOf((value, place) =>
  isDict(value) ? object({ soft: count, hard: count })(value, place) : count(value, place),
);
