import { type ConfigCheck, watchConfig } from '../../engine/watch-config.ts';
import { reportError, TsstackError } from '../../model/error.ts';
import type { LoadRequest } from '../../spec/load.ts';
import { type Context, EXIT } from '../command.ts';
import { untilInterrupted } from '../interrupts.ts';
import { printDiagnostics, printError, printReport } from '../views/error.ts';

/**
 * `tsstack config --watch`: the result of every check on standard output, until a signal. In JSON one object a line:
 * `{ok, diagnostics}`, and `error` where the stack does not load for another reason than its diagnostics.
 */
export async function watchAndPrint(context: Context, request: LoadRequest): Promise<number> {
  if (request.files.includes('-')) {
    throw new TsstackError('usage', 'config --watch cannot watch standard input', { hint: 'Name a file with -f' });
  }
  const print = context.format === 'json' ? printJson : printText;
  await untilInterrupted((signal) =>
    watchConfig(request, {
      signal,
      checked: (check) => print(context, check),
      failed: (error) => printFailure(context, error),
    }),
  );
  return EXIT.done;
}

function printFailure({ err, format }: Context, error: unknown): void {
  if (format === 'json') err.write(`${JSON.stringify(reportError(error))}\n`);
  else printError(err, error);
}

function printJson({ out }: Context, { diagnostics, error }: ConfigCheck): void {
  const other = error === undefined || error.diagnostics !== undefined ? undefined : error;
  out.write(`${JSON.stringify({ ok: error === undefined, diagnostics, error: other })}\n`);
}

function printText({ out }: Context, check: ConfigCheck): void {
  const { diagnostics, error, services = 0 } = check;
  if (error !== undefined && error.diagnostics === undefined) printReport(out, error);
  else printDiagnostics(out, diagnostics);
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = count(diagnostics.length - errors, 'warning');
  const time = out.style('dim', new Date().toTimeString().slice(0, 8));
  if (error === undefined) {
    out.write(`${time} ${out.style('green', 'ok:')} ${count(services, 'service')}, ${warnings}\n`);
    return;
  }
  out.write(`${time} ${out.style('red', 'failed:')} ${count(Math.max(errors, 1), 'error')}, ${warnings}\n`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
