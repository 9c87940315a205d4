import { formatBytes } from '../lib/format-bytes.ts';
import { alignColumns } from '../lib/table.ts';
import { ACTION_SYMBOLS, type Action, type FieldChange, type Plan, type ResourceChange } from '../model/plan.ts';
import { preStartTitle } from '../model/pre-start.ts';
import { isRecord } from './record.ts';

/** What a piece of the text means; the caller decides how that looks. */
export type Meaning = Action | 'heading' | 'conflict' | 'warning' | 'hint' | 'faint';

export interface RenderOptions {
  /** Colours a piece of text; by default it stays plain. */
  readonly style?: (meaning: Meaning, text: string) => string;
}

type Style = NonNullable<RenderOptions['style']>;

const LONGEST_VALUE = 100;
/** Names under which people keep what must not be shown. */
const SENSITIVE = /passw|secret|token|credential|private|key/i;

const COUNTED: Readonly<Record<Action, string>> = {
  create: 'to create',
  update: 'to update in place',
  replace: 'to replace',
  start: 'to start',
  stop: 'to stop',
  remove: 'to remove',
};

/** A plan for people: every change with its cause and fields, conflicts, warnings, and a summary line. Ends in a newline. */
export function renderPlan(plan: Plan, options: RenderOptions = {}): string {
  const style = options.style ?? ((_meaning, text) => text);
  const lines = [
    ...(plan.changes.length > 0 ? [style('heading', `Plan for ${plan.stack}`), ''] : []),
    ...renderPulls(plan, style),
    ...renderChanges(plan.changes, style),
    ...renderPreStart(plan, style),
    ...renderUpdates(plan, style),
    ...plan.conflicts.flatMap(({ address, message, hint }) => [
      `${style('conflict', '✖')} ${style('heading', address)}: ${message}`,
      ...(hint === undefined ? [] : [`    ${style('hint', 'hint:')} ${hint}`]),
    ]),
    ...plan.warnings.map((warning) => `${style('warning', '!')} ${warning}`),
    style('heading', summary(plan)),
  ];
  return `${lines.join('\n')}\n`;
}

/** Images that are not there yet. */
function renderPulls({ pulls = [], builds = [] }: Plan, style: Style): readonly string[] {
  const line = (symbol: string, image: string, how: string): string =>
    `  ${style('start', symbol)} ${style('heading', `image.${image}`)}  is ${how} first: what it says is not known yet`;
  const lines = [
    ...pulls.map((image) => line('↓', image, 'pulled')),
    ...builds.map((image) => line('⚒', image, 'built')),
  ];
  return lines.length === 0 ? [] : [...lines, ''];
}

/** What runs to its end before containers start. */
function renderPreStart({ steps }: Plan, style: Style): readonly string[] {
  const lines = steps.flatMap((step) => {
    const title = step.type === 'await-container' ? preStartTitle(step.spec) : undefined;
    if (title === undefined || step.type !== 'await-container') return [];
    const head = `  ${style('start', ACTION_SYMBOLS.start)} ${style('heading', title)}`;
    return `${head}  runs to its end before the start: ${formatValue('argv', step.spec.argv)}`;
  });
  return lines.length === 0 ? [] : [...lines, ''];
}

/** How the replicas of each service follow each other. */
function renderUpdates({ updates = [] }: Plan, style: Style): readonly string[] {
  if (updates.length === 0) return [];
  const lines = updates.map(({ service, policy, batches, allowedFailures }) => {
    const { order, delayMs, monitorMs, failureAction } = policy;
    const parts = [
      order,
      batches.map((batch) => batch.join(' and ')).join(', then '),
      ...(delayMs > 0 && batches.length > 1 ? [`${delayMs / 1000} s between`] : []),
      ...(monitorMs > 0 ? [`each watched for ${monitorMs / 1000} s`] : []),
      `${failureAction} when ${allowedFailures === 0 ? 'one fails' : `more than ${allowedFailures} fail`}`,
    ];
    return `  ${style('replace', ACTION_SYMBOLS.replace)} ${style('heading', `service.${service}`)}  ${parts.join('; ')}`;
  });
  return [...lines, ''];
}

function renderChanges(changes: readonly ResourceChange[], style: Style): readonly string[] {
  if (changes.length === 0) return [];
  const rows = changes.map(({ address, cause }) => [address, cause]);
  const heads = alignColumns(rows, 2);
  const lines = changes.flatMap(({ action, address, fields }, at) => {
    const cause = heads[at]?.slice(address.length) ?? '';
    const head = `  ${style(action, ACTION_SYMBOLS[action])} ${style('heading', address)}${style('faint', cause)}`;
    return [head, ...renderFields(fields, action === 'create', style)];
  });
  return [...lines, ''];
}

function renderFields(fields: readonly FieldChange[], created: boolean, style: Style): readonly string[] {
  const rows = fields.map((change) => [change.field, renderValues(change, created)]);
  return alignColumns(rows, 2).map((line, at) => {
    const forces = fields[at]?.forcesReplacement === true;
    return `      ${line}${forces ? ` ${style('replace', '(forces replacement)')}` : ''}`;
  });
}

function renderValues({ field, before, after, file }: FieldChange, created: boolean): string {
  // Of a config, a secret or a mounted file.
  if (before === undefined && after === undefined) return `content${file === undefined ? '' : ` of ${file}`} changed`;
  return created ? formatValue(field, after) : `${formatValue(field, before)} → ${formatValue(field, after)}`;
}

/** `Plan: 2 to create, 1 to update in place.`, or that there is nothing to do. */
function summary({ stack, changes, conflicts, steps, pulls = [], builds = [] }: Plan): string {
  const counts = Map.groupBy(changes, ({ action }) => action);
  const parts = (Object.keys(COUNTED) as Action[]).flatMap((action) => {
    const count = counts.get(action)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${COUNTED[action]}`];
  });
  if (pulls.length > 0) parts.push(`${pulls.length} to pull`);
  if (builds.length > 0) parts.push(`${builds.length} to build`);
  if (conflicts.length > 0) parts.push(`${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}`);
  if (parts.length > 0) return `Plan: ${parts.join(', ')}.`;
  return steps.length > 0 ? 'Plan: images to unpack.' : `Nothing to do: ${stack} is as the stack file says.`;
}

/** A value in one line: words as they are, ports as in a stack file, secrets not at all, the rest as JSON. */
function formatValue(field: string, value: unknown): string {
  if (value === undefined) return '(none)';
  if (isSensitive(field)) return '(sensitive)';
  if (typeof value === 'number' && value >= 0 && /bytes$/i.test(field)) return formatBytes(value);
  const text = formatAny(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

function formatAny(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatItem).join(', ')}]`;
  if (isRecord(value)) return JSON.stringify(hideSecrets(value), hideSecret);
  return typeof value === 'string' ? quoteIfNeeded(value) : JSON.stringify(value);
}

function isSensitive(field: string): boolean {
  return /^(env|labels)\./.test(field) && SENSITIVE.test(field);
}

/** Members whose name sounds like a secret have `(sensitive)` for a value. */
export function hideSecrets<Value>(value: Readonly<Record<string, Value>>): Readonly<Record<string, Value | string>> {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, SENSITIVE.test(key) ? '(sensitive)' : inner] as const),
  );
}

function hideSecret(name: string, value: unknown): unknown {
  return typeof value === 'string' && SENSITIVE.test(name) ? '(sensitive)' : value;
}

function formatItem(item: unknown): string {
  if (typeof item === 'string') return quoteIfNeeded(item);
  return isRecord(item) ? (formatPort(item) ?? JSON.stringify(item, hideSecret)) : JSON.stringify(item);
}

/** A port mapping or a published port: `127.0.0.1:8080:80/tcp`, `8080:80/tcp (open to the world)`. */
function formatPort(item: Readonly<Record<string, unknown>>): string | undefined {
  const target = item['target'] ?? item['containerPort'];
  if (typeof target !== 'number' || typeof item['protocol'] !== 'string') return undefined;
  const first = item['hostPort'] ?? item['published'];
  const last = item['publishedEnd'];
  const host = first === undefined ? undefined : `${first}${last === undefined || last === first ? '' : `-${last}`}`;
  const hostIp = item['hostIp'];
  const text = `${[hostIp, host, target].filter((part) => part !== undefined).join(':')}/${item['protocol']}`;
  const open = hostIp === undefined || hostIp === '0.0.0.0' || hostIp === '::';
  return open && item['hostPort'] !== undefined ? `${text} (open to the world)` : text;
}

/** Quoted where it would be taken for something else, or break the line. */
function quoteIfNeeded(text: string): string {
  return /^[^\s",[\]{}]+$/.test(text) ? text : JSON.stringify(text);
}
