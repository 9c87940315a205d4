import { parseBytes } from '../../lib/parse-bytes.ts';
import type { Mount, OnChange } from '../../model/mounts.ts';
import type { Dict } from '../node.ts';
import type { PathBase } from '../paths.ts';
import { imageSource } from './image.ts';
import { defined, dictAt, dictsAt, numberAt, textAt, textsAt } from './read.ts';

type Propagation = Extract<Mount, { type: 'bind' }>['propagation'];

/** `volumes` and `tmpfs` of a service; `base`: of paths of images on disk. Types that Linux or the engine lacks are left out (and warned of elsewhere). */
export function mounts(service: Dict, base: PathBase): Mount[] {
  const result: Mount[] = [];
  for (const entry of dictsAt(service, 'volumes')) {
    const mount = entry['type'] === 'image' ? imageMount(entry, base) : volumeMount(entry);
    if (mount !== undefined) result.push(mount);
  }
  for (const spec of textsAt(service, 'tmpfs')) result.push(shortTmpfs(spec));
  return result;
}

function volumeMount(entry: Dict): Mount | undefined {
  const target = textAt(entry, 'target') ?? '';
  const readOnly = entry['read_only'] === true;
  if (entry['type'] === 'bind') {
    const bind = dictAt(entry, 'bind') ?? {};
    return defined({
      type: 'bind',
      source: textAt(entry, 'source') ?? '',
      target,
      readOnly,
      createHostPath: bind['create_host_path'] !== false,
      propagation: textAt(bind, 'propagation') as Propagation,
      onChange: textAt(entry, 'x-on-change') as OnChange | undefined,
    });
  }
  if (entry['type'] === 'volume') {
    const options = dictAt(entry, 'volume') ?? {};
    const nocopy = options['nocopy'] === true;
    const subpath = textAt(options, 'subpath');
    return defined({ type: 'volume', source: textAt(entry, 'source'), target, readOnly, nocopy, subpath });
  }
  if (entry['type'] !== 'tmpfs') return undefined;
  const tmpfs = dictAt(entry, 'tmpfs') ?? {};
  const mode = numberAt(tmpfs, 'mode');
  return defined({ type: 'tmpfs', target, readOnly, sizeBytes: numberAt(tmpfs, 'size'), mode, options: [] });
}

/** The source is written as a service's `image` is. None, as a variable that is not set gives, is a conflict in the plan. */
function imageMount(entry: Dict, base: PathBase): Mount {
  const image = imageSource({ image: textAt(entry, 'source') ?? '' }, { image: base, rootfs: base });
  const subpath = textAt(dictAt(entry, 'image') ?? {}, 'subpath');
  return defined({ type: 'image', image, target: textAt(entry, 'target') ?? '', readOnly: true, subpath });
}

/** `/run:size=64m,mode=1777,uid=1000`. */
function shortTmpfs(spec: string): Mount {
  const colon = spec.indexOf(':');
  const target = colon === -1 ? spec : spec.slice(0, colon);
  const options =
    colon === -1
      ? []
      : spec
          .slice(colon + 1)
          .split(',')
          .filter((option) => option !== '');
  const optionOf = (key: string) => options.findLast((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
  const size = optionOf('size');
  // `size=50%` is the kernel's to read.
  const sizeBytes = size === undefined ? undefined : parseBytes(size);
  const mode = optionOf('mode');
  return defined({
    type: 'tmpfs',
    target,
    readOnly: options.includes('ro'),
    sizeBytes,
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    options: options.filter(
      (option) => !/^mode=|^(ro|rw)$/.test(option) && (sizeBytes === undefined || !option.startsWith('size=')),
    ),
  });
}
