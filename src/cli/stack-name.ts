import type { Context } from './command.ts';
import { loadRequest } from './stack-request.ts';

/** Name of the stack that the global options name: `-p NAME` alone, or what the stack file says. */
export async function stackName(context: Context): Promise<string> {
  const { globals } = context;
  if (globals['project-name'] !== undefined && globals.file.length === 0) return globals['project-name'];
  const { loadStack } = await import('../spec/load.ts');
  return loadStack(loadRequest(context, [])).stack.name;
}
