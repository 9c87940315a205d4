import { defineCommand } from '../command.ts';
import { flag, list, value } from '../options.ts';
import { runVerb, type Verbs } from '../verbs.ts';
import { exportVolume, importVolume } from '../volume/transfer.ts';
import type { VolumeOptions } from '../volume/verb.ts';
import { createVolume, inspectVolumes, listVolumes, pruneVolumes, removeVolumes } from '../volume/verbs.ts';

const VERBS: Verbs<VolumeOptions> = {
  ls: { options: ['quiet'], run: listVolumes },
  inspect: { options: [], run: inspectVolumes },
  create: { options: ['label', 'opt'], run: createVolume },
  rm: { options: ['force'], run: removeVolumes },
  prune: { options: ['force', 'all'], run: pruneVolumes },
  export: { options: ['output'], run: exportVolume },
  import: { options: [], run: importVolume },
};

const OPTIONS = {
  quiet: flag('q', 'ls: only names'),
  force: flag('f', 'rm: a volume that is not there is fine; prune: do not ask'),
  all: flag('a', 'prune: also volumes that have a name'),
  output: value('o', 'FILE', 'export: write to this file instead of standard output'),
  label: list('', 'KEY=VALUE', 'create: a label'),
  opt: list('', 'KEY=VALUE', 'create: an option of the driver, as in driver_opts'),
};

/** `tsstack volume`. */
export const command = defineCommand({
  name: 'volume',
  summary: 'Look at the volumes of this machine, make, remove, export and import them',
  operands: `${Object.keys(VERBS).join('|')} [NAME…]`,
  options: OPTIONS,
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack volume ls', does: 'volumes of every stack, and who uses them' },
    { command: 'tsstack volume inspect demo_data', does: 'users, size, labels and directory, as JSON' },
    { command: 'tsstack volume rm demo_data', does: 'remove it with its data; refused while a container uses it' },
    { command: 'tsstack volume prune', does: 'remove anonymous volumes that nobody uses, after a question' },
    { command: 'tsstack volume export demo_data -o data.tar', does: 'back it up' },
    { command: 'tsstack volume import demo_data data.tar', does: 'bring it back' },
  ],
  run: (context, { options, operands }) =>
    runVerb(context, VERBS, { name: 'volume', known: Object.keys(OPTIONS), operands, options }),
});
