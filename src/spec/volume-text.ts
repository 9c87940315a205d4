/** The short form of a volume, split. */
export interface VolumeText {
  readonly type: 'bind' | 'volume';
  readonly source?: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly nocopy: boolean;
  readonly propagation?: string;
  readonly selinux?: string;
  /** Options that mean nothing. */
  readonly unknown: readonly string[];
}

const propagations = new Set(['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']);
/** Options of Docker that change nothing here: consistency is for macOS. */
const silent = new Set(['', 'consistent', 'cached', 'delegated']);

/**
 * `[SOURCE:]TARGET[:OPTIONS]`. A source that begins with `.`, `/` or `~` is a path, another one the name of a volume.
 * A Windows drive (`C:\`) is one word. Either `volume` or `problem` is set.
 */
export function parseVolume(spec: string): { volume?: VolumeText; problem?: string } {
  if (spec === '') return { problem: 'a volume may not be empty' };
  const sections = splitSections(spec);
  if (spec.length <= 2) return { volume: build(undefined, spec, []) };
  if (sections.some((section) => section === '')) return { problem: 'a part between the colons is empty' };
  if (sections.length > 3) return { problem: 'too many colons' };
  const [first = '', second, options] = sections;
  if (second === undefined) return { volume: build(undefined, first, []) };
  return { volume: build(first, second, options?.split(',') ?? []) };
}

/**
 * Splits at colons, but for those of a variable that is not filled in yet (`${X:-a}`) and of a Windows drive. `v:/data`
 * is a volume of one letter, `c:/data:/data` a drive.
 */
function splitSections(spec: string): string[] {
  // Nothing but colons: the usual case.
  const plain = spec.split(':');
  const long = (plain[0]?.length ?? 0) > 2 && (plain[1]?.length ?? 3) > 2;
  if (long && !spec.includes('{')) return plain;
  const sections: string[] = [];
  let section = '';
  let braces = 0;
  const characters = [...spec];
  for (const [index, character] of characters.entries()) {
    if (character === '{' && (braces > 0 || section.endsWith('$'))) braces++;
    if (character === '}' && braces > 0) braces--;
    if (character === ':' && braces === 0 && !(sections.length < 2 && isDrive(section, characters, index))) {
      sections.push(section);
      section = '';
    } else {
      section += character;
    }
  }
  sections.push(section);
  return sections;
}

function isDrive(section: string, characters: readonly string[], colon: number): boolean {
  return /^\p{L}$/u.test(section) && /^(\\|\/[^:]*:[\\/])/.test(characters.slice(colon + 1).join(''));
}

function build(source: string | undefined, target: string, options: readonly string[]): VolumeText {
  if (options.length === 0) {
    const type = source !== undefined && isFilePath(source) ? 'bind' : 'volume';
    return { type, ...(source !== undefined && { source }), target, readOnly: false, nocopy: false, unknown: [] };
  }
  const propagation = options.findLast((option) => propagations.has(option));
  const selinux = options.findLast((option) => option === 'z' || option === 'Z');
  const access = options.findLast((option) => option === 'ro' || option === 'rw');
  const known = (option: string) =>
    propagations.has(option) || silent.has(option) || ['z', 'Z', 'ro', 'rw', 'nocopy'].includes(option);
  return {
    type: source !== undefined && isFilePath(source) ? 'bind' : 'volume',
    ...(source !== undefined && { source }),
    target,
    readOnly: access === 'ro',
    nocopy: options.includes('nocopy'),
    ...(propagation !== undefined && { propagation }),
    ...(selinux !== undefined && { selinux }),
    unknown: options.filter((option) => !known(option)),
  };
}

function isFilePath(source: string): boolean {
  if (/^[./~]/.test(source) || source.startsWith('\\\\')) return true;
  // The expression takes a millisecond to compile.
  const colon = source.indexOf(':');
  return colon > 0 && colon <= 2 && /^\p{L}:/u.test(source);
}
