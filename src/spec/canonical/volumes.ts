import { posix } from 'node:path';
import { type Dict, dict, isDict, type Value } from '../node.ts';
import { resolvePath } from '../paths.ts';
import { quoted } from '../printable.ts';
import { parseVolume, type VolumeText } from '../volume-text.ts';
import { at, baseOf, complain, nameOf, type Place } from './context.ts';
import { onChange } from './on-change.ts';
import { bytes, choice, flag, labels, number, object, type Shape, text } from './shape.ts';

const bind = object({ selinux: text, propagation: text, create_host_path: choice, recursive: text }, (result) => {
  result['create_host_path'] ??= true;
});

const longForm = object({
  type: text,
  source: text,
  target: text,
  read_only: flag,
  consistency: text,
  bind,
  volume: object({ labels, nocopy: flag, subpath: text }),
  tmpfs: object({ size: bytes(), mode: number }),
  image: object({ subpath: text }),
  'x-on-change': onChange,
});

/** `services.*.volumes`, both forms: long entries, sources absolute, each target once. */
export const volumes: Shape = (value, place) => {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const entries: Value[] = [];
  for (const [index, item] of value.entries()) {
    const entry = isDict(item) ? longEntry(item, at(place, index)) : shortEntry(String(item), at(place, index));
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
};

function longEntry(item: Dict, place: Place): Dict | undefined {
  const entry = longForm(item, place);
  if (!isDict(entry)) return undefined;
  if (typeof entry['target'] !== 'string') {
    complain(place, { code: 'schema.missing', message: `${nameOf(place)} lacks the key "target"` });
    return undefined;
  }
  if (entry['type'] === 'bind' && typeof entry['source'] !== 'string') {
    complain(place, { code: 'schema.missing', message: `${nameOf(place)} is of the type "bind" and lacks "source"` });
    return undefined;
  }
  if (entry['x-on-change'] !== undefined && entry['type'] !== 'bind') {
    const where = at(place, 'x-on-change');
    const message = `${nameOf(where)}: only the content of a mount of the type "bind" is looked at`;
    complain(where, { code: 'conflict.key', message, key: true });
  }
  return finished(entry, place);
}

function shortEntry(spec: string, place: Place): Dict | undefined {
  const { volume, problem } = parseVolume(spec);
  if (volume === undefined) {
    const hint = 'write "SOURCE:TARGET" or "SOURCE:TARGET:ro"';
    complain(place, { message: `volume ${quoted(spec)}: ${problem ?? 'not valid'}`, hint });
    return undefined;
  }
  const [unknown] = volume.unknown;
  if (unknown !== undefined) {
    const message = `volume ${quoted(spec)}: unknown option ${quoted(unknown)} in its mode`;
    const hint = 'the options are ro, rw, nocopy, z, Z and the propagations such as rshared';
    complain(place, { code: 'schema.enum', message, hint });
  }
  return finished(longVolume(volume), place);
}

/** The long form of a short one, its paths as written. */
export function longVolume(volume: VolumeText): Dict {
  const entry = dict();
  entry['type'] = volume.type;
  if (volume.source !== undefined) entry['source'] = volume.source;
  entry['target'] = volume.target;
  if (volume.readOnly) entry['read_only'] = true;
  if (volume.type === 'bind' || volume.propagation !== undefined || volume.selinux !== undefined) {
    const options = dict();
    if (volume.selinux !== undefined) options['selinux'] = volume.selinux;
    if (volume.propagation !== undefined) options['propagation'] = volume.propagation;
    options['create_host_path'] = true;
    entry['bind'] = options;
  }
  if (volume.type === 'volume' || volume.nocopy) {
    const options = dict();
    if (volume.nocopy) options['nocopy'] = true;
    entry['volume'] = options;
  }
  return entry;
}

function finished(entry: Dict, place: Place): Dict {
  const target = posix.normalize(String(entry['target'])).replace(/(?<=.)\/$/, '');
  if (target === '/') {
    complain(place, { message: `${nameOf(place)}: a volume cannot take the place of "/", the root of the container` });
  }
  entry['target'] = target;
  if (entry['type'] === 'bind') entry['source'] = resolvePath(String(entry['source']), baseOf(place));
  place.context.places.set(entry, place);
  return entry;
}
