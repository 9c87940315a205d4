import { defineCommand } from '../command.ts';
import { exportImage, importImage, loadImages, saveImages } from '../image/archive.ts';
import type { ImageOptions } from '../image/options.ts';
import { pullImages, pushImages } from '../image/transfer.ts';
import { inspectImages, listImages, pruneImages, removeImages, showHistory, tagImage } from '../image/verbs.ts';
import { flag, list, value } from '../options.ts';
import { runVerb, type Verbs } from '../verbs.ts';

const VERBS: Verbs<ImageOptions> = {
  ls: { options: ['quiet', 'no-trunc'], run: listImages },
  inspect: { options: [], run: inspectImages },
  history: { options: ['no-trunc'], run: showHistory },
  tag: { options: [], run: tagImage },
  rm: { options: ['force'], run: removeImages },
  prune: { options: ['force', 'all'], run: pruneImages },
  pull: { options: ['platform', 'quiet'], run: pullImages },
  push: { options: ['quiet'], run: pushImages },
  load: { options: ['input', 'quiet'], run: loadImages },
  save: { options: ['output'], run: saveImages },
  export: { options: ['output', 'platform'], run: exportImage },
  import: { options: ['change', 'message', 'platform', 'quiet'], run: importImage },
};

const OPTIONS = {
  quiet: flag('q', 'ls: only ids; pull, push, load, import: no progress'),
  'no-trunc': flag('', 'ls, history: do not cut ids and commands'),
  force: flag('f', 'rm: also what containers are made from; prune: do not ask'),
  all: flag('a', 'prune: also images with a name that no container is made from'),
  platform: value(
    '',
    'PLATFORM',
    'pull, export: of an image for several, such as linux/arm64; import: what its programs are for',
  ),
  change: list('c', 'INSTRUCTION', 'import: an instruction of a Dockerfile for the configuration: CMD, ENV, …'),
  message: value('m', 'TEXT', 'import: what for; in the history'),
  input: value('i', 'FILE', 'load: read this file instead of standard input'),
  output: value('o', 'FILE', 'save, export: write to this file instead of standard output'),
};

/** `tsstack image`. */
export const command = defineCommand({
  name: 'image',
  summary: 'Look at the images of this machine, pull, push, load, save, import, export, name and remove them',
  operands: `${Object.keys(VERBS).join('|')} [NAME…]`,
  options: OPTIONS,
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack image ls', does: 'images of the store, and the containers made from them' },
    { command: 'tsstack image pull busybox:1.36', does: 'from its registry; continues what broke off' },
    { command: 'tsstack image load app.tar', does: 'what docker save, podman save or skopeo wrote' },
    { command: 'tsstack image save app:1.2 -o app.tar', does: 'an archive that all of them read' },
    {
      command: 'tsstack image import -c \'CMD ["/bin/sh"]\' rootfs.tar.zst base:1',
      does: 'an image of one layer from a root filesystem, such as tsstack export writes',
    },
    { command: 'tsstack image export app:1.2 | tar t', does: 'its root filesystem, all layers together' },
    { command: 'tsstack image history app:1.2', does: 'the steps that it was built by' },
    { command: 'tsstack image rm app:1.2', does: 'refused while a container is made from it' },
    { command: 'tsstack image prune --all', does: 'remove what no container is made from, after a question' },
  ],
  run: (context, { options, operands }) =>
    runVerb(context, VERBS, { name: 'image', known: Object.keys(OPTIONS), operands, options }),
});
