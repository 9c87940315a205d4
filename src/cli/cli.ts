import { reportError, TsstackError } from '../model/error.ts';
import { parseRootless, ROOTLESS_VARIABLE } from '../model/rootless.ts';
import { pathsFrom } from '../store/paths.ts';
import { DaemonClient } from './client.ts';
import { type Command, type Context, EXIT, type Format } from './command.ts';
import { COMMANDS } from './commands.ts';
import { refuseWetRun } from './dry-run.ts';
import { exitStatus } from './exit-status.ts';
import { GLOBAL_OPTIONS, type Globals } from './globals.ts';
import { joinValues, parseOptions } from './options.ts';
import { didYouMean } from './suggest.ts';
import { openTerminal } from './terminal.ts';
import { isOrdinaryUser, userPaths } from './user-paths.ts';

/**
 * Runs one command and gives its exit status. `argv` is without node and script; `daemonEntry` is the file that a
 * daemon is started from.
 */
export async function runCli(argv: readonly string[], daemonEntry: string): Promise<number> {
  const env = process.env;
  const out = openTerminal(1, env);
  const err = openTerminal(2, env);
  const rootless = parseRootless(env[ROOTLESS_VARIABLE]);
  if (rootless?.cwd !== undefined) process.chdir(rootless.cwd);
  const isOrdinary = rootless === undefined && isOrdinaryUser();
  const paths = isOrdinary ? userPaths(env) : pathsFrom(env, rootless !== undefined);
  const base = {
    env: Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)),
    cwd: process.cwd(),
    paths,
    out,
    err,
    client: new DaemonClient(paths, daemonEntry),
    // What an ordinary user asks for is done in namespaces of his own.
    enter: isOrdinary
      ? async () => (await import('./rootless/enter.ts')).enterNamespaces(paths, daemonEntry)
      : undefined,
  };
  const report = { json: false };
  try {
    return await runCommand(argv, base, report);
  } catch (error) {
    if (report.json) err.write(`${JSON.stringify(reportError(error))}\n`);
    else (await import('./views/error.ts')).printError(err, error);
    return exitStatus(reportError(error).code);
  }
}

type Base = Omit<Context, 'globals' | 'format'> & { readonly enter: (() => Promise<void>) | undefined };

/** They do nothing to the machine. */
const STAY_OUTSIDE: ReadonlySet<string> = new Set(['config', 'doctor', 'version']);

async function runCommand(argv: readonly string[], base: Base, report: { json: boolean }): Promise<number> {
  const before = parseOptions(GLOBAL_OPTIONS, argv, true);
  const [word, ...rest] = before.operands;
  if (word === undefined) return help(base, undefined, before.values);
  if (word === 'help') return help(base, rest[0], { help: true });
  const command = await loadCommand(word);
  const after = parseOptions(merge(command), rest, command.stopAtOperand === true);
  const values = joinValues(before.values, after.values);
  // Own options are not joined: `-f` before the word names a file, though it may mean another thing after it.
  const own = Object.fromEntries(Object.keys(command.options).map((name) => [name, after.values[name]]));
  const globals = values as Globals;
  if (globals.help) return help(base, word, {});
  if (command.operands === '' && after.operands.length > 0) {
    throw new TsstackError('usage', `${word} takes no arguments, got "${after.operands.join(' ')}"`);
  }
  if (globals['dry-run']) refuseWetRun(word);
  const context = { ...base, globals, format: chooseFormat(command, globals) };
  report.json = context.format === 'json';
  if (base.enter !== undefined && !STAY_OUTSIDE.has(command.name)) await base.enter();
  return command.run(context, { options: { ...values, ...own } as never, operands: after.operands });
}

/** The command's own options hide global ones of the same letter. */
function merge(command: Command): Command['options'] {
  return { ...command.options, ...withoutNames(GLOBAL_OPTIONS, Object.keys(command.options)) };
}

function withoutNames(options: Command['options'], names: readonly string[]): Command['options'] {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)));
}

function chooseFormat(command: Command, globals: Globals): Format {
  const asked = globals.json ? 'json' : globals.format;
  if (asked === undefined) return command.formats[0];
  const found = command.formats.find((format) => format === asked);
  if (found !== undefined) return found;
  if (command.templates === true && asked.includes('{{')) return command.formats[0];
  throw new TsstackError('usage', `${command.name} cannot print the format "${asked}"`, {
    hint: `It has: ${command.formats.join(', ')}${asked.includes('{{') ? '. Templates are not read: take --format json and jq' : ''}`,
  });
}

async function loadCommand(word: string): Promise<Command> {
  const entry = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  if (entry !== undefined) return (await entry.load()).command;
  const close = didYouMean(word, Object.keys(COMMANDS));
  throw new TsstackError('usage', `Unknown command "${word}"`, {
    hint: close === undefined ? 'Run tsstack --help to see all commands' : `Did you mean "${close}"?`,
  });
}

async function help(base: Base, word: string | undefined, values: Readonly<Record<string, unknown>>): Promise<number> {
  const { commandHelp, mainHelp } = await import('./help.ts');
  if (word !== undefined) {
    base.out.write(commandHelp(await loadCommand(word), base.out.style));
    return EXIT.done;
  }
  if (values['version'] === true) {
    const { VERSION } = await import('./version.ts');
    base.out.write(`tsstack ${VERSION}\n`);
    return EXIT.done;
  }
  const asked = values['help'] === true;
  (asked ? base.out : base.err).write(mainHelp((asked ? base.out : base.err).style));
  return asked ? EXIT.done : EXIT.usage;
}
