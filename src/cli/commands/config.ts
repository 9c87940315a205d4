import type { LoadResult } from '../../spec/load.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { flag, value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { printDiagnostics } from '../views/error.ts';

const SECTIONS = ['services', 'volumes', 'networks', 'images', 'profiles'] as const;

/** `tsstack config`. */
export const command = defineCommand({
  name: 'config',
  summary: 'Check a stack file and print what it means, with everything resolved',
  operands: '[SERVICE…]',
  options: {
    quiet: flag('q', 'Only check'),
    services: flag('', 'Only the names of services'),
    volumes: flag('', 'Only the names of volumes'),
    networks: flag('', 'Only the names of networks'),
    images: flag('', 'Only images'),
    profiles: flag('', 'Only the names of profiles'),
    hash: value('', 'SERVICE', 'A hash of the configuration of a service; `*`: of each'),
  },
  formats: ['yaml', 'json'],
  examples: [
    { command: 'tsstack config', does: 'the whole stack in canonical form' },
    { command: 'tsstack config -q', does: 'exit 2 with every problem of the file' },
    { command: 'tsstack config --services', does: 'names, one a line' },
    { command: 'tsstack config --format json', does: 'for scripts' },
  ],
  run: async (context, { options, operands }) => {
    const { loadStack } = await import('../../spec/load.ts');
    const result = loadStack(loadRequest(context, operands));
    printDiagnostics(context.err, result.diagnostics);
    const section = SECTIONS.find((name) => options[name]);
    if (options.quiet) return EXIT.done;
    if (section !== undefined) writeLines(context, listSection(result, section));
    else if (options.hash !== undefined) writeLines(context, await hashes(result, options.hash));
    else context.out.write(await printModel(context, result.model));
    return EXIT.done;
  },
});

async function printModel(context: Context, model: LoadResult['model']): Promise<string> {
  if (context.format === 'json') return `${JSON.stringify(model, undefined, 2)}\n`;
  const { dump } = await import('js-yaml');
  return dump(model, { noRefs: true, lineWidth: -1 });
}

function writeLines(context: Context, lines: readonly string[]): void {
  context.out.write(
    context.format === 'json' ? `${JSON.stringify(lines)}\n` : lines.map((line) => `${line}\n`).join(''),
  );
}

function listSection({ model }: LoadResult, section: (typeof SECTIONS)[number]): string[] {
  if (section === 'images') return unique(members(model, 'services').map(([, service]) => field(service, 'image')));
  if (section === 'profiles')
    return unique(members(model, 'services').flatMap(([, service]) => field(service, 'profiles')));
  return members(model, section).map(([name]) => name);
}

async function hashes({ model }: LoadResult, wanted: string): Promise<string[]> {
  const { stableHash } = await import('../../lib/stable-json.ts');
  const names = wanted.split(',');
  return members(model, 'services')
    .filter(([name]) => wanted === '*' || names.includes(name))
    .map(([name, service]) => `${name} ${stableHash(service)}`);
}

function members(model: LoadResult['model'], key: string): [string, unknown][] {
  return Object.entries(model[key] ?? {});
}

function field(service: unknown, key: string): unknown {
  return typeof service === 'object' && service !== null
    ? (service as Readonly<Record<string, unknown>>)[key]
    : undefined;
}

function unique(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((each) => typeof each === 'string'))].sort();
}
