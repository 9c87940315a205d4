import type { Dict } from '../node.ts';
import { command, flag, object, oneOrMore, path, type Shape, text, variables, word } from './shape.ts';

/** `pre_start`, `post_start`, `pre_stop`, and `exec` of a watch rule. */
export const hook: Shape = object(
  {
    command,
    image: text,
    user: text,
    privileged: flag,
    working_dir: text,
    environment: variables,
    per_replica: flag,
  },
  (result) => {
    result['command'] ??= null;
  },
);

/** One rule of `develop.watch`. */
export const watch: Shape = object(
  {
    path,
    action: text,
    target: text,
    exec: hook,
    include: oneOrMore(word),
    ignore: oneOrMore(word),
    initial_sync: flag,
  },
  (result: Dict, place) => {
    place.context.places.set(result, place);
    // The reference has no way to leave the hook out.
    result['exec'] ??= Object.assign(Object.create(null) as Dict, { command: null });
  },
);
