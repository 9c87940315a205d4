import { ACTION_SYMBOLS, type Action, type FieldChange, type Plan, type ResourceChange } from '../model/plan.ts';
import { isRecord } from './record.ts';

/** What a piece of the text means; the caller decides how that looks. */
export type Style = Action | 'conflict' | 'warning' | 'faint';

export interface RenderOptions {
  /** Colours a piece of text; by default it stays plain. */
  readonly style?: (style: Style, text: string) => string;
}

const SENSITIVE = /PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIAL/i;

/** A plan for people: conflicts and warnings, every change with its cause and fields, and a summary. Ends in a newline. */
export function renderPlan(plan: Plan, options: RenderOptions = {}): string {
  const style = options.style ?? ((_style, text) => text);
  const paragraphs = [
    ...plan.changes.map((change) => renderChange(change, style)),
    ...plan.warnings.map((warning) => style('warning', `Warning: ${warning}`)),
    ...plan.conflicts.map(({ message, hint }) =>
      [style('conflict', `Conflict: ${message}`), ...(hint === undefined ? [] : [style('faint', `  ${hint}`)])].join(
        '\n',
      ),
    ),
    summary(plan),
  ];
  return `${paragraphs.join('\n')}\n`;
}

function renderChange(
  { action, address, cause, fields }: ResourceChange,
  style: NonNullable<RenderOptions['style']>,
): string {
  const head = `${style(action, `${ACTION_SYMBOLS[action]} ${address}`)}  ${style('faint', cause)}`;
  const created = action === 'create';
  return [head, ...fields.map((field) => `    ${renderField(field, created)}`)].join('\n');
}

function renderField(change: FieldChange, created: boolean): string {
  const { field, before, after, forcesReplacement } = change;
  const after_ = formatValue(field, after);
  const text = created ? after_ : `${formatValue(field, before)} → ${after_}`;
  return `${field}: ${text}${forcesReplacement ? '  (forces replacement)' : ''}`;
}

/** `Plan: 3 to create, 1 to update, 0 to replace, 0 to remove.`, or that there is nothing to do. */
function summary({ changes, conflicts, steps }: Plan): string {
  if (conflicts.length > 0) {
    return `${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}: nothing can be done until ${conflicts.length === 1 ? 'it is' : 'they are'} resolved.`;
  }
  if (changes.length === 0 && steps.length === 0) return 'No changes. The stack matches the file.';
  const count = (action: Action): number => changes.filter((change) => change.action === action).length;
  const always = (['create', 'update', 'replace', 'remove'] as const).map((action) => `${count(action)} to ${action}`);
  const sometimes = (['start', 'stop'] as const).flatMap((action) =>
    count(action) === 0 ? [] : `${count(action)} to ${action}`,
  );
  return `Plan: ${[...always, ...sometimes].join(', ')}.`;
}

/** A value in one line: words as they are, ports as in a stack file, secrets not at all, the rest as JSON. */
function formatValue(field: string, value: unknown): string {
  if (value === undefined) return '(not set)';
  if (isSensitive(field)) return '(sensitive)';
  if (Array.isArray(value)) return `[${value.map(formatItem).join(', ')}]`;
  if (isRecord(value)) return JSON.stringify(hideSecrets(value));
  return typeof value === 'string' ? quoteIfNeeded(value) : JSON.stringify(value);
}

function isSensitive(field: string): boolean {
  return field.startsWith('env.') && SENSITIVE.test(field.slice('env.'.length));
}

function hideSecrets(value: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, SENSITIVE.test(key) ? '(sensitive)' : inner]),
  );
}

function formatItem(item: unknown): string {
  if (typeof item === 'string') return quoteIfNeeded(item);
  return isRecord(item) ? (formatPort(item) ?? JSON.stringify(item)) : JSON.stringify(item);
}

/** A port mapping or a published port: `127.0.0.1:8080:80/tcp`. */
function formatPort(item: Readonly<Record<string, unknown>>): string | undefined {
  const target = item['target'] ?? item['containerPort'];
  if (typeof target !== 'number' || typeof item['protocol'] !== 'string') return undefined;
  const first = item['hostPort'] ?? item['published'];
  const last = item['publishedEnd'];
  const host = first === undefined ? undefined : `${first}${last === undefined || last === first ? '' : `-${last}`}`;
  return `${[item['hostIp'], host, target].filter((part) => part !== undefined).join(':')}/${item['protocol']}`;
}

/** Quoted where it would be taken for something else, or break the line. */
function quoteIfNeeded(text: string): string {
  return /^[^\s",[\]{}]+$/.test(text) ? text : JSON.stringify(text);
}
