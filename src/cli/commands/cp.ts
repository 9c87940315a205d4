import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CopyOptions, copyFiles, copyFromArchive, copyToArchive, type Side } from '../../copy/copy.ts';
import type { CopyContainer, CopyRequest } from '../../daemon/run-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { needsContainerRoot, runAsContainerRoot } from '../cp/as-container-root.ts';
import { withContainerRoot } from '../cp/container-root.ts';
import { withContainers } from '../cp/hold.ts';
import { type Copying, parseOperands } from '../cp/operands.ts';
import { writeOut } from '../cp/write-out.ts';
import { countOption } from '../numbers.ts';
import { flag, value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';

/** `tsstack cp`. */
export const command = defineCommand({
  name: 'cp',
  summary: 'Copy files between containers and this machine',
  operands: 'SERVICE:PATH LOCAL | LOCAL SERVICE:PATH',
  options: {
    archive: flag('a', 'Keep owners, and set-id bits and file capabilities with them'),
    'follow-link': flag('L', 'Copy what a link at the source leads to'),
    index: value('', 'N', 'Of or into this replica, instead of from the first or into all'),
    all: flag('', 'Also containers that run has made'),
  },
  formats: ['table'],
  examples: [
    { command: 'tsstack cp web:/var/log ./logs', does: 'a directory out of a container, whether it runs or not' },
    { command: 'tsstack cp site/. web:/srv', does: 'what is in a directory into all replicas' },
    { command: 'tsstack cp web:/etc - | tar t', does: 'as a tar archive; cp - web:/srv reads one' },
  ],
  run: async (context, { options, operands }) => {
    const copying = parseOperands(operands);
    refuseTerminal(context, copying);
    const index = countOption('index', options.index, 1);
    const request: CopyRequest = {
      selector: stackSelector(context),
      service: copying.service,
      all: options.all,
      first: copying.direction === 'from',
      ...(index !== undefined && { index }),
    };
    const copyOptions: CopyOptions = {
      keepOwners: options.archive,
      followLink: options['follow-link'],
      notice: (text) => context.err.write(`cp: ${text}\n`),
    };
    const work = { copying, options: copyOptions };
    const idBase = await withContainers(context, request, (containers) => copyAll(context, containers, work));
    return idBase === undefined ? EXIT.done : runAsContainerRoot(idBase);
  },
});

interface Work {
  readonly copying: Copying;
  readonly options: CopyOptions;
}

/** Gives the id that has to do it, where we cannot. */
async function copyAll(
  context: Context,
  containers: readonly CopyContainer[],
  { copying, options }: Work,
): Promise<number | undefined> {
  const { service, local, direction } = copying;
  if (local === '-' && containers.length > 1) {
    throw new TsstackError('usage', `${service} has ${containers.length} containers, and an archive is read once`, {
      hint: 'Choose one of them: --index 1',
    });
  }
  // All are of one stack, so it is one id.
  const other = containers.find(({ idBase }) => direction === 'to' && needsContainerRoot(idBase));
  if (other !== undefined) return other.idBase;
  for (const container of containers) await copy(context, container, { copying, options });
  return undefined;
}

function refuseTerminal(context: Context, { direction, local }: Copying): void {
  if (local !== '-') return;
  if (direction === 'from' && context.out.isTerminal) {
    throw new TsstackError('usage', 'An archive is not written to a terminal', {
      hint: 'Name a file or directory, or add: | tar x',
    });
  }
  if (direction === 'to' && process.stdin.isTTY) {
    throw new TsstackError('usage', 'An archive is not read from a terminal', {
      hint: 'For example: tar c DIR | tsstack cp - web:/srv',
    });
  }
}

function copy(
  context: Context,
  container: CopyContainer,
  { copying: { direction, inside, local }, options }: Work,
): Promise<void> {
  const { idBase } = container;
  return withContainerRoot(context.paths.run, container, async (root) => {
    const there: Side = { root, path: inside, idBase };
    if (local === '-') {
      await (direction === 'from'
        ? copyToArchive(there, writeOut, options)
        : copyFromArchive(process.stdin, there, options));
      return;
    }
    await withLocalRoot(async (ours) => {
      const here: Side = { root: ours, path: absolute(context.cwd, local), idBase: 0 };
      await (direction === 'from' ? copyFiles(there, here, options) : copyFiles(here, there, options));
    });
  });
}

async function withLocalRoot(use: (root: number) => Promise<void>): Promise<void> {
  const root = openSync('/', 'r');
  try {
    await use(root);
  } finally {
    closeSync(root);
  }
}

/** A slash or `/.` at the end means something. */
function absolute(cwd: string, path: string): string {
  return path.startsWith('/') ? path : `${resolve(cwd)}/${path}`;
}
