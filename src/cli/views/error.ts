import type { Diagnostic } from '../../model/diagnostic.ts';
import { type ErrorReport, reportError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';

/** An error for people: what could not be done, and the way out. Never a stack trace. */
export function printError(terminal: Terminal, error: unknown): void {
  printReport(terminal, reportError(error));
}

/** The same for an error that has come over the API. */
export function printReport(terminal: Terminal, report: ErrorReport): void {
  if (report.diagnostics !== undefined) printDiagnostics(terminal, report.diagnostics);
  terminal.write(errorText(terminal, report));
}

/** Problems of a stack file, in its order, each with its place and an excerpt. */
export function printDiagnostics(terminal: Terminal, diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) terminal.write(diagnosticText(terminal, diagnostic));
}

function diagnosticText({ style }: Terminal, diagnostic: Diagnostic): string {
  const { position, excerpt, hint } = diagnostic;
  const place =
    position === undefined ? '' : `${style('bold', `${position.file}:${position.line}:${position.column}:`)} `;
  const severity = style(diagnostic.severity === 'error' ? 'red' : 'yellow', `${diagnostic.severity}:`);
  return [
    `${place}${severity} ${diagnostic.message}`,
    ...(excerpt === undefined ? [] : [excerpt.trimEnd()]),
    ...(hint === undefined ? [] : [`  ${style('cyan', 'hint:')} ${hint}`]),
    '',
  ].join('\n');
}

function errorText({ style }: Terminal, { code, message, hint, address, details = [] }: ErrorReport): string {
  const subject = address === undefined || message.includes(address) ? '' : `${address}: `;
  const evidence = details.map((line) => `  ${line}\n`).join('');
  const error = `${style('red', 'error:')} ${subject}${message}\n`;
  // The end of what a step wrote is followed by what became of it.
  const first = code === 'build-failed' ? `${evidence}${error}` : `${error}${evidence}`;
  return hint === undefined ? first : `${first}${style('cyan', 'hint:')} ${hint}\n`;
}
