import { alignColumns } from '../../lib/table.ts';
import { TsstackError } from '../../model/error.ts';

/** What a template is filled in from, by the names that Docker has for it. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Prints rows by a template as Docker's `--format` takes them: `{{.Name}}` and, after it or before it, `json`, `upper`,
 * `lower`, `title` and `truncate N`; `\t` and `\n` are what they stand for. `table TEMPLATE` has columns with a head.
 * `names`: every field that there is. Throws `usage` for what it cannot read.
 */
export function renderTemplate(template: string, rows: readonly Row[], names: readonly string[]): string {
  const isTable = /^table\s/.test(template);
  const text = (isTable ? template.replace(/^table\s+/, '') : template).replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  const parts = parse(text, names);
  const lines = rows.map((row) => parts.map((part) => (typeof part === 'string' ? part : part.value(row))).join(''));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  const head = parts.map((part) => (typeof part === 'string' ? part : part.head)).join('');
  return `${alignColumns(
    [head, ...lines].map((line) => line.split('\t')),
    3,
  ).join('\n')}\n`;
}

/** A piece of a template between double braces. */
interface Action {
  readonly head: string;
  readonly value: (row: Row) => string;
}

type Step = (value: unknown) => unknown;

function parse(text: string, names: readonly string[]): readonly (string | Action)[] {
  return text.split(/(\{\{.*?\}\})/s).map((piece) => {
    if (piece.startsWith('{{') && piece.endsWith('}}')) return parseAction(piece, names);
    if (piece.includes('{{')) throw wrong(`"${piece}" has no end`, names);
    return piece;
  });
}

/** `.Name`, `json .`, `truncate .ID 8`, `.State | upper`. */
function parseAction(action: string, names: readonly string[]): Action {
  const [first = '', ...pipes] = action.slice(2, -2).replaceAll(/^-|-$/g, '').split('|');
  const words = first.trim().split(/\s+/);
  const at = words.findIndex((word) => word.startsWith('.'));
  const field = words[at]?.slice(1);
  if (field === undefined || (field !== '' && !names.includes(field))) throw wrong(`${action} is not known`, names);
  const own = words.filter((_, index) => index !== at);
  const steps = [...(own.length > 0 ? [own] : []), ...pipes.map((pipe) => pipe.trim().split(/\s+/))].map((call) =>
    parseCall(call, action, names),
  );
  return {
    head: headOf(field),
    value: (row) => {
      const start: unknown = field === '' ? row : row[field];
      return text(steps.reduce<unknown>((value, step) => step(value), start));
    },
  };
}

function parseCall([name = '', ...args]: readonly string[], action: string, names: readonly string[]): Step {
  const length = Number(args[0]);
  if (name === 'truncate' && Number.isInteger(length) && args.length === 1) {
    return (value) => [...text(value)].slice(0, length).join('');
  }
  const step = args.length === 0 && Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (step === undefined) throw wrong(`${action} is not known`, names);
  return step;
}

const FUNCTIONS: Readonly<Record<string, Step>> = {
  json: (value) => JSON.stringify(value ?? null),
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  title: (value) => text(value).replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
};

function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Docker's: `RunningFor` is headed CREATED, `Name` NAME. */
function headOf(field: string): string {
  if (field === 'RunningFor') return 'CREATED';
  return field.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toUpperCase();
}

function wrong(what: string, names: readonly string[]): TsstackError {
  return new TsstackError('usage', `Cannot read the template: ${what}`, {
    hint: `Fields: ${names.map((name) => `.${name}`).join(', ')}; functions: ${Object.keys(FUNCTIONS).join(', ')}, truncate N`,
  });
}
