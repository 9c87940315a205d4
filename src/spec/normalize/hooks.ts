import type { Hook } from '../../model/stack.ts';
import type { Dict } from '../node.ts';
import { defined, dictsAt, stringsAt, textAt, textsAt } from './read.ts';

/** `post_start` or `pre_stop`; undefined: none. */
export function hooks(service: Dict, key: string): readonly Hook[] | undefined {
  const written = dictsAt(service, key);
  return written.length === 0 ? undefined : written.map(hook);
}

function hook(written: Dict): Hook {
  return defined({
    argv: textsAt(written, 'command'),
    user: textAt(written, 'user'),
    privileged: written['privileged'] === true,
    environment: stringsAt(written, 'environment'),
    workingDir: textAt(written, 'working_dir'),
  });
}
