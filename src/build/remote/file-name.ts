import { NAME_BYTES } from '../../image/limits.ts';

/**
 * The name that a downloaded file gets: the last component of the URL's path, as BuildKit's ADD; where it has none, what the
 * server calls it (RFC 6266), else `download`.
 */
export function fileName(url: URL, disposition: string | undefined): string {
  return usable(lastOf(decoded(url.pathname))) ?? usable(lastOf(dispositionName(disposition ?? ''))) ?? 'download';
}

function lastOf(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? '';
}

function usable(name: string): string | undefined {
  const fits = !/^\.{0,2}$/.test(name) && !name.includes('\0') && Buffer.byteLength(name) <= NAME_BYTES;
  return fits ? name : undefined;
}

/** Of a header's value; empty: it has none. The extended form counts more (RFC 6266, section 4.3). */
function dispositionName(value: string): string {
  const [, extended] = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(value) ?? [];
  if (extended !== undefined) return decoded(extended);
  const [, quoted, plain] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(value) ?? [];
  return quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
