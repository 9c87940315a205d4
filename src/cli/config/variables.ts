import { table } from '../../lib/table.ts';
import type { ListedVariable } from '../../spec/list-variables.ts';
import type { LoadRequest } from '../../spec/load.ts';
import { stackEnvironment, stackVariables } from '../../spec/written.ts';
import type { Context } from '../command.ts';
import { jsonText } from './print.ts';

/** The variables of the stack files, before anything is filled in: a table, or an object by name as Compose prints it. */
export async function variablesText(context: Context, request: LoadRequest): Promise<string> {
  const variables = stackVariables(request);
  if (context.globals.format === undefined && !context.globals.json) return variableTable(variables);
  const byName: Record<string, unknown> = Object.create(null);
  for (const { name, required, defaultValue, alternateValue } of variables) {
    byName[name] = { Name: name, DefaultValue: defaultValue, PresenceValue: alternateValue, Required: required };
  }
  if (context.format === 'json') return `${JSON.stringify(byName)}\n`;
  const { yamlText } = await import('./yaml-text.ts');
  return yamlText(byName);
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
export function environmentText(context: Context, request: LoadRequest, stack: string): string {
  const environment = new Map(stackEnvironment(request));
  environment.set('COMPOSE_PROJECT_NAME', stack);
  const sorted = [...environment].sort(([left], [right]) => (left < right ? -1 : 1));
  if (context.format === 'json') return jsonText(Object.fromEntries(sorted));
  return sorted.map(([name, value]) => `${name}=${value}\n`).join('');
}
