import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { copyToArchive } from '../../copy/copy.ts';
import type { CopyRequest } from '../../daemon/run-api.ts';
import { TsstackError } from '../../model/error.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import { withContainerRoot } from '../cp/container-root.ts';
import { withContainers } from '../cp/hold.ts';
import { writeOut } from '../cp/write-out.ts';
import { countOption } from '../numbers.ts';
import { value } from '../options.ts';
import { stackSelector } from '../stack-request.ts';

/** What every container has mounted. */
const KERNEL_MOUNTS = ['/dev', '/proc', '/sys'];

/** `tsstack export`. */
export const command = defineCommand({
  name: 'export',
  summary: "Write a container's files as a tar archive, without what is mounted in it",
  operands: 'SERVICE',
  options: {
    output: value('o', 'FILE', 'Into this file, instead of to standard output'),
    index: value('', 'N', 'Of this replica, instead of the first'),
  },
  formats: ['table'],
  examples: [
    { command: 'tsstack export -o web.tar web', does: 'all files of the container, whether it runs or not' },
    { command: 'tsstack export --index 2 web | tar t', does: 'what is in the second replica' },
  ],
  run: async (context, { options, operands }) => {
    const [service, ...more] = operands;
    if (service === undefined || more.length > 0) {
      throw new TsstackError('usage', 'export needs one service', {
        hint: 'For example: tsstack export -o web.tar web',
      });
    }
    if (options.output === undefined && context.out.isTerminal) {
      throw new TsstackError('usage', 'An archive is not written to a terminal', { hint: 'Name a file: -o web.tar' });
    }
    const index = countOption('index', options.index, 1);
    const request: CopyRequest = {
      selector: stackSelector(context),
      service,
      all: index === undefined,
      first: true,
      ...(index !== undefined && { index }),
    };
    await withContainers(context, request, async (containers) => {
      for (const container of containers) {
        await withContainerRoot(context.paths.run, container, (root) =>
          withOutput(context, options.output, (write) =>
            copyToArchive({ root, path: '/.', idBase: container.idBase }, write, {
              followLink: false,
              empty: [...KERNEL_MOUNTS, ...container.mounts].map((path) => path.replace(/^\/+/, '')),
              notice: (text) => context.err.write(`export: ${text}\n`),
            }),
          ),
        );
      }
      return undefined;
    });
    return EXIT.done;
  },
});

type Write = (bytes: Uint8Array) => Promise<void>;

async function withOutput(
  { cwd }: Context,
  output: string | undefined,
  use: (write: Write) => Promise<void>,
): Promise<void> {
  if (output === undefined) return use(writeOut);
  const file = openOutput(resolve(cwd, output));
  try {
    await use(async (bytes) => {
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    });
  } finally {
    closeSync(file);
  }
}

function openOutput(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new TsstackError('usage', `Cannot write the file of --output, "${path}": ${reason}`, {
      hint: 'Name a file in a directory that is there and can be written',
      cause,
    });
  }
}
