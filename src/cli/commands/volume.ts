import { TsstackError } from '../../model/error.ts';
import { defineCommand } from '../command.ts';
import { flag, list, value } from '../options.ts';
import { didYouMean } from '../suggest.ts';
import { exportVolume, importVolume } from '../volume/transfer.ts';
import type { Verb } from '../volume/verb.ts';
import { createVolume, inspectVolumes, listVolumes, pruneVolumes, removeVolumes } from '../volume/verbs.ts';

/** What may follow `tsstack volume`, with the options that have a meaning for it. */
const VERBS: Readonly<Record<string, { readonly options: readonly string[]; readonly run: Verb }>> = {
  ls: { options: ['quiet'], run: listVolumes },
  inspect: { options: [], run: inspectVolumes },
  create: { options: ['label', 'opt'], run: createVolume },
  rm: { options: ['force'], run: removeVolumes },
  prune: { options: ['force', 'all'], run: pruneVolumes },
  export: { options: ['output'], run: exportVolume },
  import: { options: [], run: importVolume },
};

/** `tsstack volume`. */
export const command = defineCommand({
  name: 'volume',
  summary: 'Look at the volumes of this machine, make, remove, export and import them',
  operands: `${Object.keys(VERBS).join('|')} [NAME…]`,
  options: {
    quiet: flag('q', 'ls: only names'),
    force: flag('f', 'rm: a volume that is not there is fine; prune: do not ask'),
    all: flag('a', 'prune: also volumes that have a name'),
    output: value('o', 'FILE', 'export: write to this file instead of standard output'),
    label: list('', 'KEY=VALUE', 'create: a label'),
    opt: list('', 'KEY=VALUE', 'create: an option of the driver, as in driver_opts'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack volume ls', does: 'volumes of every stack, and who uses them' },
    { command: 'tsstack volume inspect demo_data', does: 'users, size, labels and directory, as JSON' },
    { command: 'tsstack volume rm demo_data', does: 'remove it with its data; refused while a container uses it' },
    { command: 'tsstack volume prune', does: 'remove anonymous volumes that nobody uses, after a question' },
    { command: 'tsstack volume export demo_data -o data.tar', does: 'back it up' },
    { command: 'tsstack volume import demo_data data.tar', does: 'bring it back' },
  ],
  run: async (context, { options, operands }) => {
    const [word = '', ...names] = operands;
    const verb = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined;
    if (verb === undefined) throw unknownVerb(word);
    for (const [name, given] of Object.entries(options)) {
      const own = Object.hasOwn(command.options, name);
      const said = given !== undefined && given !== false && !(Array.isArray(given) && given.length === 0);
      if (own && said && !verb.options.includes(name)) {
        throw new TsstackError('usage', `Option --${name} has no meaning for "volume ${word}"`);
      }
    }
    return verb.run(context, names, options);
  },
});

function unknownVerb(word: string): TsstackError {
  const names = Object.keys(VERBS);
  const close = word === '' ? undefined : didYouMean(word, names);
  return new TsstackError('usage', word === '' ? 'volume needs to know what to do' : `There is no "volume ${word}"`, {
    hint: close === undefined ? `Write one of: ${names.join(', ')}` : `Did you mean "volume ${close}"?`,
  });
}
