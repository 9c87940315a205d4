import { alignColumns } from '../lib/table.ts';
import type { Command, Example } from './command.ts';
import { COMMANDS } from './commands.ts';
import { GLOBAL_OPTIONS } from './globals.ts';
import type { Option, Options } from './options.ts';
import type { Style } from './style.ts';

const EXAMPLES: readonly Example[] = [
  { command: 'tsstack up', does: 'bring up the stack of this directory and follow its output' },
  { command: 'tsstack plan', does: 'see first what that would do' },
  { command: 'tsstack -f stack.yaml up -d', does: 'bring it up in the background' },
  { command: 'tsstack down -v', does: 'remove it and its volumes' },
];

/** `tsstack --help`. */
export function mainHelp(style: Style): string {
  return [
    'A compose-like orchestrator that is its own container engine: plan first, glass box, instant.',
    `${style('bold', 'Usage:')} tsstack [OPTION…] COMMAND [ARG…]`,
    section(
      style,
      'Commands',
      Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]),
    ),
    section(style, 'Options, before or after the command', optionRows(GLOBAL_OPTIONS)),
    section(style, 'Examples', exampleRows(EXAMPLES)),
    'Run `tsstack COMMAND --help` for the options of a command.\n',
  ].join('\n\n');
}

/** `tsstack COMMAND --help`. */
export function commandHelp(command: Command, style: Style): string {
  const own = optionRows(command.options);
  const shared = Object.entries(GLOBAL_OPTIONS).filter(([name]) => !Object.hasOwn(command.options, name));
  const taken = new Set(Object.values(command.options).map((option) => option.short));
  const globals = shared.map(([name, option]) => [name, taken.has(option.short) ? withoutShort(option) : option]);
  const parts = [
    `${command.summary}.`,
    `${style('bold', 'Usage:')} ${['tsstack', command.name, '[OPTION…]', command.operands].join(' ').trimEnd()}`,
    ...(own.length > 0 ? [section(style, 'Options', own)] : []),
    section(style, 'Options of every command', optionRows(Object.fromEntries(globals))),
    section(style, 'Examples', exampleRows(command.examples)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function withoutShort({ kind, placeholder, help }: Option): Option {
  return { kind, help, ...(placeholder !== undefined && { placeholder }) };
}

function section(style: Style, title: string, rows: readonly (readonly string[])[]): string {
  return [style('bold', `${title}:`), ...alignColumns(rows, 3).map((line) => `  ${line}`)].join('\n');
}

function optionRows(options: Options): string[][] {
  return Object.entries(options).map(([name, { short, placeholder, help, kind }]) => [
    `${short === undefined ? '    ' : `-${short}, `}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}${kind === 'list' ? '…' : ''}`,
    help,
  ]);
}

function exampleRows(examples: readonly Example[]): string[][] {
  return examples.map(({ command, does }) => [command, does]);
}
