import { leaveFixedHashes } from '../../lib/fixed-hashes.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { TsstackError } from '../../model/error.ts';
import type { LoadRequest } from '../../spec/request.ts';
import { type Arguments, type Context, defineCommand, EXIT } from '../command.ts';
import { hashesOf, listPart, PARTS } from '../config/parts.ts';
import { emit, jsonText, linesText, modelText } from '../config/print.ts';
import { yamlModel } from '../config/yaml-model.ts';
import { flag, value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { printDiagnostics } from '../views/error.ts';

const OPTIONS = {
  quiet: flag('q', 'Only check'),
  services: flag('', 'Only the names of the enabled services'),
  volumes: flag('', 'Only the names of volumes'),
  networks: flag('', 'Only the names of networks'),
  images: flag('', 'Only images; one that is built without a name is STACK-SERVICE'),
  profiles: flag('', 'Only the names of profiles, of all services'),
  models: flag('', 'Only the names of models'),
  variables: flag('', 'The variables that the files use, with their defaults, nothing filled in'),
  environment: flag('', 'What variables are filled in from, NAME=VALUE'),
  hash: value('', 'SERVICE', 'A hash of the configuration of a service; `*`: of each'),
  'no-consistency': flag('', 'Do not check whether services, networks and volumes fit together'),
  'no-interpolate': flag('', 'The files merged, with variables, paths and short forms as they are written'),
  explain: value('', 'PATH', 'Which file, line and rule gave a value, and what it hides'),
  schema: flag('', 'The JSON Schema of stack files, for editors'),
  watch: flag('', 'Check again whenever a file changes, until Ctrl-C'),
  output: value('o', 'FILE', 'Write the result into this file'),
};

/** What is printed instead of the stack, so that only one of them makes sense at a time. */
const VIEWS = [...PARTS, 'variables', 'environment', 'hash', 'no-interpolate', 'explain', 'schema', 'watch'] as const;

/** Of these, what is about the files and not about services. */
const WHOLE = ['variables', 'schema'] as const;

type ConfigArguments = Arguments<typeof OPTIONS>;

/** `tsstack config`. */
export const command = defineCommand({
  name: 'config',
  summary: 'Check a stack file and print what it means, with everything resolved',
  operands: '[SERVICE…]',
  options: OPTIONS,
  formats: ['yaml', 'json'],
  examples: [
    { command: 'tsstack config', does: 'the whole stack in canonical form' },
    { command: 'tsstack config -q', does: 'exit 2 with every problem of the file' },
    { command: 'tsstack config web', does: 'only web and what it depends on' },
    { command: 'tsstack config --services', does: 'names, one a line' },
    { command: 'tsstack config --variables', does: 'what can be set from outside, and what must be' },
    { command: 'tsstack config --explain services.web.environment.PORT', does: 'who said so, and over what' },
    { command: 'tsstack config --format json', does: 'for scripts; problems too are JSON, on standard error' },
    { command: 'tsstack -f a.yaml -f b.yaml config -o all.yaml', does: 'several files made one' },
    { command: 'tsstack config --schema -o stack.schema.json', does: 'hover help and checks in an editor' },
    { command: 'tsstack config --watch', does: 'problems as you type' },
  ],
  run: async (context, args) => {
    const { options, operands } = args;
    checkArguments(args);
    if (options.schema) {
      const { schemaText } = await import('../config/schema.ts');
      emit(context, schemaText(), options.output);
      return EXIT.done;
    }
    // What is read once only, or on and on, cannot be counted first.
    if (options.watch || context.globals.file.includes('-')) leaveFixedHashes();
    if (options['no-interpolate'] && operands.length > 0) {
      context.err.write(
        'warning: with --no-interpolate the whole files are shown: services that are named are ignored\n',
      );
    }
    const request = { ...loadRequest(context, operands), unchecked: options['no-consistency'] };
    if (options.watch) {
      const { watchAndPrint } = await import('../config/watch.ts');
      return watchAndPrint(context, request);
    }
    const text = await resultText(context, args, request);
    if (!options.quiet) emit(context, text, options.output);
    return EXIT.done;
  },
});

function checkArguments({ options, operands }: ConfigArguments): void {
  const given: string[] = VIEWS.filter((name) => options[name] !== false && options[name] !== undefined);
  if (options.watch && options.output !== undefined) given.push('output');
  if (given.length > 1) {
    const list = given.map((name) => `--${name}`).join(' and ');
    throw new TsstackError('usage', `config cannot do ${list} at the same time`, { hint: 'Leave all but one out' });
  }
  const whole = WHOLE.find((name) => options[name]);
  if (whole === undefined || operands.length === 0) return;
  throw new TsstackError('usage', `config --${whole} takes no services, got "${operands.join(' ')}"`, {
    hint: 'It is about whole files: which services are enabled shows when they are loaded',
  });
}

async function resultText(context: Context, { options }: ConfigArguments, request: LoadRequest): Promise<string> {
  if (options['no-interpolate']) {
    const { writtenStack } = await import('../../spec/written.ts');
    return modelText(context, writtenStack(request), false);
  }
  if (options.variables) {
    const { variablesText } = await import('../config/variables.ts');
    return variablesText(context, request);
  }
  if (options.explain !== undefined) {
    const { loadExplainable } = await import('../../spec/explain/explain.ts');
    const { explanationText } = await import('../config/explain.ts');
    const { result, explain } = loadExplainable(request);
    reportWarnings(context, result.diagnostics);
    if (options.quiet) return '';
    return explanationText(context, explain(options.explain));
  }
  const { loadStack } = await import('../../spec/load.ts');
  const result = loadStack(request);
  reportWarnings(context, result.diagnostics);
  if (options.quiet) return '';
  const part = PARTS.find((name) => options[name]);
  if (part !== undefined) return linesText(context, listPart(part, result));
  if (options.environment) {
    const { environmentText } = await import('../config/variables.ts');
    return environmentText(context, request, result.stack.name);
  }
  if (options.hash === undefined) {
    return modelText(context, context.format === 'json' ? result.model : yamlModel(result), true);
  }
  const hashes = await hashesOf(result, options.hash);
  if (context.format === 'json') return jsonText(hashes);
  return linesText(
    context,
    Object.entries(hashes).map(([name, hash]) => `${name} ${hash}`),
  );
}

/** In JSON as one object, so that an editor reads errors and warnings alike. */
function reportWarnings({ err, format }: Context, diagnostics: readonly Diagnostic[]): void {
  if (format !== 'json') printDiagnostics(err, diagnostics);
  else if (diagnostics.length > 0) err.write(`${JSON.stringify({ diagnostics })}\n`);
}
