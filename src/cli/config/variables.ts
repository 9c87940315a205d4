import { table } from '../../lib/table.ts';
import { type ListedVariable, variablesOf } from '../../spec/list-variables.ts';
import type { LoadRequest } from '../../spec/load.ts';
import { findStackFiles, readTrees, stackEnvironment } from '../../spec/written.ts';
import type { Context } from '../command.ts';
import { jsonText, yamlText } from './print.ts';

/** The variables of the stack files, before anything is filled in: a table, or an object by name as Compose prints it. */
export async function variablesText(context: Context, request: LoadRequest): Promise<string> {
  const variables = variablesOf(readTrees(request, findStackFiles(request)));
  if (context.globals.format === undefined && !context.globals.json) return variableTable(variables);
  const byName: Record<string, unknown> = Object.create(null);
  for (const { name, required, defaultValue, alternateValue } of variables) {
    byName[name] = { Name: name, DefaultValue: defaultValue, PresenceValue: alternateValue, Required: required };
  }
  return context.format === 'json' ? `${JSON.stringify(byName)}\n` : yamlText(byName);
}

function variableTable(variables: readonly ListedVariable[]): string {
  return table(
    ['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE'],
    variables.map(({ name, required, defaultValue, alternateValue }) => [
      name,
      String(required),
      defaultValue,
      alternateValue,
    ]),
  );
}

/** What variables stand for, `NAME=VALUE` sorted by name. `stack` is the name of the stack. */
export async function environmentText(context: Context, request: LoadRequest, stack: string): Promise<string> {
  const { Diagnostics } = await import('../../spec/diagnose.ts');
  // The stack has been loaded: problems of these files have been told.
  const environment = new Map(stackEnvironment(request, findStackFiles(request), new Diagnostics()));
  environment.set('COMPOSE_PROJECT_NAME', stack);
  const sorted = [...environment].sort(([left], [right]) => (left < right ? -1 : 1));
  if (context.format === 'json') return jsonText(Object.fromEntries(sorted));
  return sorted.map(([name, value]) => `${name}=${value}\n`).join('');
}
