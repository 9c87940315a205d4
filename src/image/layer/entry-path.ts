import { imageInvalid } from '../errors.ts';
import { NAME_BYTES, PATH_BYTES } from '../limits.ts';

/** What a name in a layer asks for. Paths are relative to the root, without empty, `.` or `..` components. */
type EntryPath =
  | { readonly type: 'entry'; readonly components: readonly string[] }
  /** `.wh.NAME`: hides NAME in the layers below. */
  | { readonly type: 'whiteout'; readonly components: readonly string[] }
  /** `.wh..wh..opq`: hides everything that the layers below have in this directory. */
  | { readonly type: 'opaque'; readonly components: readonly string[] }
  /** Other names that begin with `.wh..wh.`: notes of aufs to itself. */
  | { readonly type: 'ignored' };

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const AUFS = '.wh..wh.';

/** OCI image-spec layer.md, "Whiteouts". A leading slash counts for nothing; `..` is refused. Throws `image-invalid`. */
export function parseEntryPath(name: string): EntryPath {
  const components = splitName(name);
  if (components.some((component) => component.startsWith(AUFS) && component !== OPAQUE)) return { type: 'ignored' };
  const last = components.at(-1) ?? '';
  const parent = components.slice(0, -1);
  if (parent.some((component) => component.startsWith(WHITEOUT))) throw imageInvalid('a name below a whiteout');
  if (last === OPAQUE) return { type: 'opaque', components: parent };
  if (!last.startsWith(WHITEOUT)) return { type: 'entry', components };
  const hidden = last.slice(WHITEOUT.length);
  if (hidden === '' || hidden === '.' || hidden === '..') throw imageInvalid('a whiteout that hides no name');
  return { type: 'whiteout', components: [...parent, hidden] };
}

/** The components of a name in a layer, of an entry or of what a hard link names. Throws `image-invalid`. */
export function splitName(name: string): readonly string[] {
  if (name.includes('\0')) throw imageInvalid('a name with a NUL byte');
  if (name.length > PATH_BYTES) throw imageInvalid(`a name of ${name.length} bytes; the limit is ${PATH_BYTES}`);
  const components = name.split('/').filter((component) => component !== '' && component !== '.');
  for (const component of components) {
    if (component === '..') throw imageInvalid('a name with ".."');
    if (component.length > NAME_BYTES) {
      throw imageInvalid(`a name with a component of ${component.length} bytes; the limit is ${NAME_BYTES}`);
    }
  }
  return components;
}
