import type { Hook, PreStartHook } from '../../model/stack.ts';
import type { Dict } from '../node.ts';
import type { PathBase } from '../paths.ts';
import { imageSource } from './image.ts';
import { defined, dictsAt, stringsAt, textAt, textsAt } from './read.ts';

/** `pre_start`; undefined: none. An image that is the service's is none of its own. */
export function preStartHooks(service: Dict, base: PathBase): readonly PreStartHook[] | undefined {
  const written = dictsAt(service, 'pre_start');
  if (written.length === 0) return undefined;
  return written.map((each): PreStartHook => {
    const image = textAt(each, 'image');
    const own = image !== undefined && image !== textAt(service, 'image');
    return defined({
      source: own ? imageSource({ image }, { image: base, rootfs: base }) : undefined,
      command: Array.isArray(each['command']) ? textsAt(each, 'command') : null,
      perReplica: each['per_replica'] === true,
      ...settings(each),
    });
  });
}

/** `post_start` or `pre_stop`; undefined: none. */
export function hooks(service: Dict, key: string): readonly Hook[] | undefined {
  const written = dictsAt(service, key);
  return written.length === 0 ? undefined : written.map(hook);
}

function hook(written: Dict): Hook {
  return { argv: textsAt(written, 'command'), ...settings(written) };
}

function settings(written: Dict): Omit<Hook, 'argv'> {
  return defined({
    user: textAt(written, 'user'),
    privileged: written['privileged'] === true,
    environment: stringsAt(written, 'environment'),
    workingDir: textAt(written, 'working_dir'),
  });
}
