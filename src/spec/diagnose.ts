import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import { printable } from './printable.ts';
import type { Reading } from './read.ts';
import { lineCount, lineText, type Origin, positionOf } from './source.ts';
import type { Trail } from './trail.ts';

/** Errors, and warnings, beyond this number are counted, not shown. */
const mostShown = 50;
/** A line is cut to this many code units around the mark, so that one long line cannot fill the screen. */
const excerptWidth = 100;

/** What a problem is; docs/errors.md says of each what it means and what to do. */
export type ProblemCode =
  | 'yaml.syntax'
  | 'yaml.encoding'
  | 'yaml.size-limit'
  | 'yaml.depth-limit'
  | 'yaml.alias-limit'
  | 'yaml.multi-document'
  | 'yaml.duplicate-key'
  | 'yaml.tag'
  | 'yaml.merge'
  | 'yaml.sexagesimal'
  | 'interp.syntax'
  | 'interp.required'
  | 'interp.unset'
  | 'env-file.syntax'
  | 'path.missing'
  | 'path.kind'
  | 'path.unreadable'
  | 'schema.unknown-key'
  | 'schema.type'
  | 'schema.enum'
  | 'schema.pattern'
  | 'schema.missing'
  | 'schema.duplicate'
  | 'value.range'
  | 'ref.missing'
  | 'ref.disabled'
  | 'ref.cycle'
  | 'ref.unused'
  | 'conflict.key'
  | 'conflict.name'
  | 'conflict.port'
  | 'conflict.mount'
  | 'conflict.subnet'
  | 'conflict.address'
  | 'merge.type'
  | 'limit'
  | 'command.operator'
  | 'healthcheck.shell'
  | 'image.unpinned'
  | 'unsupported.key'
  | 'refused.key'
  | 'deprecated.key';

export interface Problem {
  readonly severity?: Severity;
  readonly code: ProblemCode;
  readonly message: string;
  /** A function where it takes a search: most problems of a file that is all wrong are never shown. */
  readonly hint?: string | (() => string | undefined) | undefined;
  readonly origin?: Origin | undefined;
}

/** Collects every problem of one load, and what it reads. */
export class Diagnostics implements Reading {
  readonly #problems: Problem[] = [];
  readonly #seen = new Set<string>();
  readonly files = new Set<string>();
  length = 0;
  /** Notes how values came about; only when one is to be explained. */
  readonly trail: Trail | undefined;

  constructor(trail?: Trail) {
    this.trail = trail;
  }

  /** The same problem at the same place (an alias used twice) is kept once. */
  add(problem: Problem): void {
    const { origin } = problem;
    const place = origin === undefined ? '' : `${origin.source.index}:${origin.start}`;
    const key = `${place}\0${problem.code}\0${problem.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#problems.push(problem);
  }

  get hasErrors(): boolean {
    return this.#problems.some(isError);
  }

  /** Found so far, in no order. */
  get errors(): readonly Problem[] {
    return this.#problems.filter(isError);
  }

  /** All problems in file order, those without a place first; at most 50 errors and 50 warnings, the rest as a count. */
  list(): Diagnostic[] {
    const sorted = [...this.#problems].sort(
      (left, right) =>
        (left.origin?.source.index ?? -1) - (right.origin?.source.index ?? -1) ||
        (left.origin?.start ?? -1) - (right.origin?.start ?? -1),
    );
    const bySeverity = Map.groupBy(sorted, ({ severity = 'error' }) => severity);
    const dropped = new Set([...bySeverity.values()].flatMap((problems) => problems.slice(mostShown)));
    const shown = sorted.filter((problem) => !dropped.has(problem)).map(toDiagnostic);
    for (const [severity, { length }] of bySeverity) {
      if (length <= mostShown) continue;
      shown.push({ severity, code: 'limit', message: `${length - mostShown} more ${severity}s are not shown` });
    }
    return shown;
  }
}

function isError({ severity }: Problem): boolean {
  return severity !== 'warning';
}

function toDiagnostic(problem: Problem): Diagnostic {
  const { origin } = problem;
  const hint = typeof problem.hint === 'function' ? problem.hint() : problem.hint;
  return {
    severity: problem.severity ?? 'error',
    code: problem.code,
    message: printable(problem.message),
    ...(hint !== undefined && { hint: printable(hint) }),
    ...(origin !== undefined && { position: positionOf(origin), excerpt: excerptOf(origin) }),
  };
}

/**
 * The marked line with one line before and after, line numbers, and a caret line:
 *
 *       2 |   web:
 *     > 3 |     imagee: x
 *         |     ^^^^^^
 *       4 |     ports: []
 */
export function excerptOf(origin: Origin): string {
  const { line, column, length } = positionOf(origin);
  const last = Math.min(line + 1, lineCount(origin.source));
  const numberWidth = String(last).length;
  const from = Math.max(0, column - 1 - excerptWidth / 2);
  const lines: string[] = [];
  for (let number = Math.max(1, line - 1); number <= last; number++) {
    const text = lineText(origin.source, number);
    if (number !== line && number === lineCount(origin.source) && text === '') continue;
    const cut = printable(text.slice(from, from + excerptWidth)).replaceAll('\t', ' ');
    lines.push(`${number === line ? '>' : ' '} ${String(number).padStart(numberWidth)} | ${cut}`.trimEnd());
    if (number !== line) continue;
    const before = printable(text.slice(from, column - 1)).length;
    const marked = printable(text.slice(column - 1, Math.min(column - 1 + length, from + excerptWidth))).length;
    lines.push(`  ${' '.repeat(numberWidth)} | ${' '.repeat(before)}${'^'.repeat(Math.max(1, marked))}`);
  }
  return lines.join('\n');
}
