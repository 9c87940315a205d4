import type { VersionResponse } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { VERSION } from '../version.ts';

/** `tsstack version`. */
export const command = defineCommand({
  name: 'version',
  summary: 'Show the version of the client, and of the daemon if one runs',
  operands: '',
  options: {},
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack version', does: 'for people' },
    { command: 'tsstack version --json', does: 'for bug reports' },
  ],
  run: async (context) => {
    const daemon = await context.client.getIfRunning<VersionResponse>('/v1/version');
    if (context.format === 'json') {
      context.out.write(`${JSON.stringify({ version: VERSION, node: process.versions.node, daemon }, undefined, 2)}\n`);
      return EXIT.done;
    }
    context.out.write(`tsstack ${VERSION} (Node ${process.versions.node})\n`);
    context.out.write(
      daemon === undefined
        ? 'daemon: not running\n'
        : `daemon: ${daemon.version}, API ${daemon.apiVersion}, pid ${daemon.pid} (Node ${daemon.node})\n`,
    );
    return EXIT.done;
  },
});
