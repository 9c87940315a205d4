import { TsstackError } from '../../model/error.ts';

/** Which bits a letter of `who` and of `what` stand for. */
const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const WHAT: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };

/** The mode that something gets instead of its own. */
export type Chmod = (mode: number, isDirectory: boolean) => number;

/** `--chmod`: octal up to 7777, or symbolic as of chmod(1) with no umask. Throws `build-failed`. */
export function parseChmod(text: string): Chmod {
  if (/^[0-7]+$/.test(text)) {
    const value = Number.parseInt(text, 8);
    if (value <= 0o7777) return () => value;
  }
  const clauses = text.split(',').map((clause) => /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause));
  if (/^[0-9]/.test(text) || clauses.includes(null)) {
    throw new TsstackError('build-failed', `--chmod is ${JSON.stringify(text)}`, {
      hint: 'It is octal up to 7777, or symbolic such as u=rwX,go=rX',
    });
  }
  const changes = clauses.flatMap((clause) => {
    const who = [...(clause?.[1] || 'a')].reduce((bits, letter) => bits | (WHO[letter] ?? 0), 0);
    return [...(clause?.[2] ?? '').matchAll(/([-+=])([rwxXstugo]*)/g)].map(
      ([, operator = '', what = '']): Chmod =>
        (mode, isDirectory) =>
          change(mode, { who, operator, what, isDirectory }),
    );
  });
  return (mode, isDirectory) => changes.reduce((before, each) => each(before, isDirectory), mode);
}

/** The mode of directories that a COPY with this `--chmod` makes: an octal one less what BuildKit's umask takes, else 0755. */
export function madeMode(text: string): number {
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) & MADE_MODE : MADE_MODE;
}

const MADE_MODE = 0o755;

interface Change {
  readonly who: number;
  readonly operator: string;
  readonly what: string;
  readonly isDirectory: boolean;
}

function change(mode: number, { who, operator, what, isDirectory }: Change): number {
  let bits = 0;
  for (const letter of what) {
    if (letter === 'X') bits |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0;
    else bits |= WHAT[letter] ?? copied(mode, letter);
  }
  bits &= who;
  if (operator === '+') return mode | bits;
  return operator === '-' ? mode & ~bits : (mode & ~who) | bits;
}

/** The permissions of `u`, `g` or `o` for everybody. */
function copied(mode: number, letter: string): number {
  const three = (mode >> ({ u: 6, g: 3, o: 0 }[letter] ?? 0)) & 7;
  return three * 0o111;
}
