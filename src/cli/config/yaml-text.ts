/** How a string value is changed before it is written; keys stay as they are. */
type Rewrite = (text: string) => string;

/**
 * A value of JSON's kinds as YAML that every reader takes for the same value: block style, two spaces, nothing by alias.
 * A string is plain where no version of YAML could mean something else by it, text of several lines is a literal block,
 * and everything else is as JSON writes it, which YAML 1.2 allows.
 *
 * This is not a library's printer, since that one tries every style on every string: a third of the time of `config`.
 */
export function yamlText(value: unknown, rewrite: Rewrite = (text) => text): string {
  if (isBranch(value)) return block(value, '', rewrite);
  // Without an indentation, a line of text could be a mark of a document.
  return typeof value === 'string' ? `${scalar(rewrite(value))}\n` : lineOf(value, '', rewrite);
}

type Branch = readonly unknown[] | Readonly<Record<string, unknown>>;

/** A mapping or list that has something in it. */
function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function block(value: Branch, indent: string, rewrite: Rewrite): string {
  const deeper = `${indent}  `;
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) {
      const written = isBranch(item)
        ? block(item, deeper, rewrite).slice(deeper.length)
        : lineOf(item, deeper, rewrite);
      text += `${indent}- ${written}`;
    }
    return text;
  }
  for (const [key, item] of Object.entries(value)) {
    const name = scalar(key);
    // A reader looks only so far for the colon.
    text += name.length > 1000 ? `${indent}? ${name}\n${indent}:` : `${indent}${name}:`;
    text += isBranch(item) ? `\n${block(item, deeper, rewrite)}` : ` ${lineOf(item, deeper, rewrite)}`;
  }
  return text;
}

function lineOf(value: unknown, indent: string, rewrite: Rewrite): string {
  return `${leaf(value, indent, rewrite)}\n`;
}

function leaf(value: unknown, indent: string, rewrite: Rewrite): string {
  if (typeof value === 'string') {
    const text = rewrite(value);
    return text.includes('\n') ? lines(text, indent) : scalar(text);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? '.nan' : infinity(value);
  if (Array.isArray(value)) return '[]';
  return typeof value === 'object' && value !== null ? '{}' : String(value ?? null);
}

function infinity(value: number): string {
  return value > 0 ? '.inf' : '-.inf';
}

/** A word, path, option or variable: by how it begins it is no number, date, indicator or mark of a document. */
const PLAIN = /^(?:--?(?=[A-Za-z])|\.\.?(?=\/))?[A-Za-z_/$][\x20-\x7e]*$/;
/** What ends a plain scalar or is not part of it. */
const ENDS_PLAIN = /: | #|[: ]$/;
/** What is no string in one version of YAML or another. */
const WORD = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

function scalar(text: string): string {
  if (PLAIN.test(text) && !ENDS_PLAIN.test(text) && !WORD.test(text)) return text;
  return JSON.stringify(text).replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Begins with something to see, so that the indentation is plain to see as well, and holds nothing that is not text. */
const LITERAL = /^[\x21-\x7e][\t\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff]*$/;

function lines(text: string, indent: string): string {
  if (!LITERAL.test(text) || text.endsWith('\n\n')) return scalar(text);
  const ended = text.endsWith('\n');
  const body = ended ? text.slice(0, -1) : text;
  return `${ended ? '|' : '|-'}\n${body.replace(/^(?=.)/gm, indent)}`;
}
