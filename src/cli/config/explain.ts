import { relative } from 'node:path';
import { alignColumns } from '../../lib/table.ts';
import type { Position } from '../../model/diagnostic.ts';
import type {
  Contribution,
  ExplainedValue,
  Explanation,
  ServiceProfile,
  UsedVariable,
} from '../../spec/explain/explain.ts';
import { printable } from '../../spec/printable.ts';
import type { Context } from '../command.ts';
import { jsonText } from './print.ts';

/** Widths beyond which a text from a file is cut, in code units. */
const mostText = 60;
const mostValue = 100;

/** Where a value comes from: with all it hides for a single one, one line each for a mapping or list. */
export function explanationText(context: Context, explanation: Explanation): string {
  if (context.format === 'json') return jsonText(explanation);
  const { profile, values, more, path } = explanation;
  const place = placer(context.cwd);
  const [only] = values;
  const lines = profile === undefined ? [] : [profileLine(profile, place)];
  if (values.length === 1 && only?.path === path) lines.push(...single(only, place));
  else
    lines.push(
      ...alignColumns(
        values.map((each) => row(each, place)),
        2,
      ),
    );
  if (more > 0) lines.push(`${more} more: name a part of ${path}`);
  return lines.map((line) => `${printable(line)}\n`).join('');
}

type Placer = (position: Position, lineOnly?: boolean) => string;

/** Names files relative to the working directory where that is shorter; of variables, a line says enough. */
function placer(cwd: string): Placer {
  return ({ file, line, column }, lineOnly = false) => {
    const near = file.startsWith('/') ? relative(cwd, file) : file;
    return `${near.length < file.length ? near : file}:${line}${lineOnly ? '' : `:${column}`}`;
  };
}

function profileLine({ service, enabled, profiles, active, variable }: ServiceProfile, place: Placer): string {
  if (!enabled) return `service ${service} is off: --profile ${profiles.join(' or ')} enables it`;
  if (active.length === 0)
    return `service ${service} is on: the command names it (its profile is ${profiles.join(', ')})`;
  const from = variable === undefined ? '--profile' : variableText(variable, place);
  return `service ${service} is on by the profile ${active.join(', ')}: ${from}`;
}

function single(value: ExplainedValue, place: Placer): readonly string[] {
  const lines = value.sources.flatMap((source, index) => {
    const first = [place(source.position), shown(source.text, mostText), reasonOf(value, index, place)];
    return [first, ...source.variables.map((variable) => ['', variableText(variable, place)])];
  });
  if (value.sources.length === 0) lines.push([ruleText(value)]);
  return [
    `${value.path} = ${shown(JSON.stringify(value.value), mostValue)}`,
    ...alignColumns(lines, 2).map((line) => `  ${line}`),
  ];
}

function row(value: ExplainedValue, place: Placer): readonly string[] {
  const [source] = value.sources;
  const variables = source?.variables.map((variable) => variableText(variable, place)) ?? [];
  const reasons = [reasonOf(value, 0, place), ...variables].filter((each) => each !== '').join('; ');
  const where = source === undefined ? [] : [place(source.position)];
  return [value.path, shown(JSON.stringify(value.value), mostText), ...where, reasons];
}

function ruleText({ rule, note }: ExplainedValue): string {
  return note === '' ? rule : `${rule}: ${note}`;
}

/** Why one of the sources counts, and what it hides. */
function reasonOf(value: ExplainedValue, index: number, place: Placer): string {
  if (value.rule !== 'written') return ruleText(value);
  const source = value.sources[index] as Contribution | undefined;
  const next = value.sources[index + 1];
  const by = source?.by.flatMap(({ rule, position }) => {
    if (position !== undefined) return [`${rule} (${place(position)})`];
    return rule === source.over ? [] : [rule];
  });
  const over = source?.over !== undefined && next !== undefined ? [overText(source.over, next, place)] : [];
  return [...(by ?? []), ...over].join(', ');
}

function overText(rule: string, next: Contribution, place: Placer): string {
  return `${rule}: over ${place(next.position)}`;
}

function variableText({ name, value, from, position, fallback }: UsedVariable, place: Placer): string {
  if (from === 'default') return `${name} is ${value === undefined ? 'not set' : 'empty'}: its default`;
  if (from === 'unset') return `${name} is not set`;
  const who = { environment: 'the environment', name: 'the name of the stack', file: 'a file' }[from];
  const where = position === undefined ? who : place(position, true);
  return `${name}=${shown(value ?? fallback ?? '', mostText)} from ${where}`;
}

function shown(text: string, most: number): string {
  const [first = '', ...rest] = text.split('\n');
  const cut = first.slice(0, most);
  return rest.length > 0 || cut !== first ? `${cut} …` : cut;
}
