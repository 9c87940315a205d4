import { ACTION_SYMBOLS, type Action, type FieldChange, type Plan, type ResourceChange } from '../../model/plan.ts';
import type { Look, Style } from '../style.ts';
import { formatBytes } from './format.ts';
import { alignColumns } from './table.ts';

const LOOKS: Readonly<Record<Action, Look>> = {
  create: 'green',
  update: 'yellow',
  replace: 'magenta',
  start: 'green',
  stop: 'red',
  remove: 'red',
};

const COUNTED: Readonly<Record<Action, string>> = {
  create: 'to create',
  update: 'to update in place',
  replace: 'to replace',
  start: 'to start',
  stop: 'to stop',
  remove: 'to remove',
};

/** A plan for people: one paragraph a resource with its cause and changed fields, then a summary line. */
export function renderPlan(plan: Plan, style: Style): string {
  const lines = [
    ...(plan.changes.length > 0 ? [style('bold', `Plan for ${plan.stack}`), ''] : []),
    ...renderChanges(plan.changes, style),
    ...plan.conflicts.flatMap(({ address, message, hint }) => [
      `${style('red', '✖')} ${style('bold', address)}: ${message}`,
      ...(hint === undefined ? [] : [`    ${style('cyan', 'hint:')} ${hint}`]),
    ]),
    ...plan.warnings.map((warning) => `${style('yellow', '!')} ${warning}`),
    ...(plan.orphans.length > 0 ? [orphanLine(plan.orphans, style)] : []),
    style('bold', summaryLine(plan)),
  ];
  return `${lines.join('\n')}\n`;
}

/** `Plan: 2 to create, 1 to update in place.` or that there is nothing to do. */
function summaryLine(plan: Plan): string {
  const counts = Map.groupBy(plan.changes, ({ action }) => action);
  const parts = (Object.keys(COUNTED) as Action[]).flatMap((action) => {
    const count = counts.get(action)?.length ?? 0;
    return count === 0 ? [] : [`${count} ${COUNTED[action]}`];
  });
  if (plan.conflicts.length > 0)
    parts.push(`${plan.conflicts.length} conflict${plan.conflicts.length === 1 ? '' : 's'}`);
  return parts.length === 0 ? `Nothing to do: ${plan.stack} is as the stack file says.` : `Plan: ${parts.join(', ')}.`;
}

function renderChanges(changes: readonly ResourceChange[], style: Style): string[] {
  if (changes.length === 0) return [];
  const heads = alignColumns(
    changes.map(({ address, cause }) => [address, cause]),
    2,
  );
  const lines = changes.flatMap(({ action, address, fields }, at) => {
    const [, rest = ''] = [address, heads[at]?.slice(address.length)];
    const symbol = style(LOOKS[action], ACTION_SYMBOLS[action]);
    return [`  ${symbol} ${style('bold', address)}${style('dim', rest)}`, ...renderFields(fields, style)];
  });
  return [...lines, ''];
}

function renderFields(fields: readonly FieldChange[], style: Style): string[] {
  const rows = fields.map((change) => [change.field, renderValues(change)]);
  return alignColumns(rows, 2).map((line, at) => {
    const forces = fields[at]?.forcesReplacement === true;
    return `      ${line}${forces ? ` ${style('magenta', '(forces replacement)')}` : ''}`;
  });
}

function renderValues({ field, before, after }: FieldChange): string {
  if (isSensitive(field)) return before === undefined ? '(sensitive)' : '(sensitive) → (sensitive)';
  if (before === undefined) return renderValue(field, after);
  return `${renderValue(field, before)} → ${after === undefined ? '(none)' : renderValue(field, after)}`;
}

function renderValue(field: string, value: unknown): string {
  if (value === undefined) return '(none)';
  if (typeof value === 'number' && value >= 0 && /bytes$/i.test(field)) return formatBytes(value);
  const text = JSON.stringify(value, (key, inner: unknown) =>
    key !== '' && inner !== null && typeof inner !== 'object' && isSensitive(key) ? '(sensitive)' : inner,
  );
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

/** Names under which people keep what must not be shown. */
function isSensitive(field: string): boolean {
  return /passw|secret|token|credential|private|api_?key|access_?key|passphrase/i.test(field);
}

function orphanLine(orphans: readonly string[], style: Style): string {
  return `${style('yellow', '!')} No longer in the stack file: ${orphans.join(', ')} (remove with --remove-orphans)`;
}
