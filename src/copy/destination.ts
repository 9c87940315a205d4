import { TsstackError } from '../model/error.ts';

/** What is at a path, links followed. */
export type Kind = 'directory' | 'other' | 'missing';

export interface CopySource {
  readonly directory: boolean;
  /** The last part of its path; absent for `.`, `..` and `/`: what is in it is meant. */
  readonly name: string | undefined;
}

export interface CopyDestination {
  readonly kind: Kind;
  /** The path ends in a slash or in `/.`. */
  readonly slash: boolean;
  readonly path: string;
}

/**
 * Where a copy goes, as `docker cp` has it: below the destination under a name (`below`), its content below the
 * destination (`below` without a name), or as the destination itself. Throws `usage` for what cannot be.
 */
export function decideCopy(
  source: CopySource,
  { kind, slash, path }: CopyDestination,
): { readonly below: string | undefined } | 'itself' {
  if (kind === 'directory') return { below: source.name };
  if (kind === 'other' && (source.directory || slash)) {
    throw new TsstackError('conflict', `${path} is not a directory`, {
      hint: 'Name a directory, or a path that is free',
    });
  }
  if (kind === 'missing' && slash && !source.directory) {
    throw new TsstackError('not-found', `There is no directory ${path}`, {
      hint: 'Make it first, or leave out the slash',
    });
  }
  return 'itself';
}

/** The last part of a path; undefined where the content of what it names is meant. */
export function baseName(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  // `dir/.` is what is in dir.
  const last = parts.at(-1);
  return last === '.' || last === '..' ? undefined : last;
}

export function endsInSlash(path: string): boolean {
  return path.endsWith('/') || path.endsWith('/.') || path === '.';
}
