import { flag, list, type Options, type Values, value } from './options.ts';

/** Options of every command, accepted before and after the command word. A command's own of the same name goes first. */
export const GLOBAL_OPTIONS = {
  file: list('f', 'FILE', 'Stack file; several are merged in order; `-` is standard input'),
  'project-name': value('p', 'NAME', 'Name of the stack'),
  profile: list('', 'NAME', 'Also enable the services of this profile; `*` is all'),
  'env-file': list('', 'FILE', 'Variables for the stack file, instead of `.env`'),
  'project-directory': value('', 'DIR', 'Directory that relative paths start from'),
  format: value('', 'FORMAT', 'table, json or yaml'),
  'dry-run': flag('', 'Show what would happen, and do nothing'),
  json: flag('', 'Same as --format json'),
  help: flag('h', 'Show help'),
  version: flag('', 'Show the version'),
} satisfies Options;

/** Values of the global options. */
export type Globals = Values<typeof GLOBAL_OPTIONS>;
