import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TsstackError } from '../../model/error.ts';
import type { Context } from '../command.ts';

/** Prints a result: into the file that `--output` names, else to standard output. Throws `usage`. */
export function emit(context: Context, text: string, output: string | undefined): void {
  if (output === undefined) {
    context.out.write(text);
    return;
  }
  try {
    writeFileSync(resolve(context.cwd, output), text);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new TsstackError('usage', `Cannot write the file of --output, "${output}": ${reason}`, {
      hint: 'Name a file in a directory that is there and can be written',
    });
  }
}

/** A stack as text. In YAML every dollar sign of `filled` values is doubled, so that the text means the same again. */
export async function modelText(context: Context, model: object, filled: boolean): Promise<string> {
  if (context.format === 'json') return jsonText(model);
  const { yamlText } = await import('./yaml-text.ts');
  return yamlText(model, filled ? (text) => text.replaceAll('$', '$$$$') : undefined);
}

/** JSON for people too. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Names one a line, or as a list in JSON. */
export function linesText(context: Context, lines: readonly string[]): string {
  if (context.format === 'json') return `${JSON.stringify(lines)}\n`;
  return lines.map((line) => `${line}\n`).join('');
}
