import { unescapeOctal } from '../../lib/unescape-octal.ts';
/** What `setfattr --restore` reads for one file, whose path is a byte string. */
export function restoreText(path: string, lines: string): string {
  return `# file: ${escapedName(path)}\n${lines}\n`;
}

/** Of attributes, a line each. Text, and not the values, which may be slices of large buffers. */
export function restoreLines(xattrs: Iterable<readonly [name: string, value: Buffer]>): string {
  return Array.from(xattrs, ([name, value]) => `${escapedName(name)}=${encoded(value)}\n`).join('');
}

/** `0s` without anything behind it, when it comes first, is skipped without a message (attr 2.5.1). */
function encoded(value: Buffer): string {
  return value.length === 0 ? '""' : `0s${value.toString('base64')}`;
}

/** As getfattr writes names: octal for what is not printable ASCII, for `\` and for `=`. */
function escapedName(name: string): string {
  return name.replaceAll(/[^\x21-\x7e]|[\\=]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
}

/** What `getfattr --dump --encoding=base64` prints, as latin1: attributes by path, of files that have any. */
export function parseDump(text: string): ReadonlyMap<string, ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Map<string, Buffer>>();
  let present = new Map<string, Buffer>();
  for (const line of text.split('\n')) {
    if (line.startsWith(FILE)) {
      present = new Map();
      found.set(unescapeOctal(line.slice(FILE.length)), present);
      continue;
    }
    const equals = line.indexOf('=0s');
    if (equals > 0) present.set(unescapeOctal(line.slice(0, equals)), Buffer.from(line.slice(equals + 3), 'base64'));
    else if (line !== '') present.set(unescapeOctal(line.replace(/=.*$/, '')), Buffer.alloc(0));
  }
  return found;
}

const FILE = '# file: ';
