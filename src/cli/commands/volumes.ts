import type { VolumeSummary, VolumesRequest } from '../../daemon/volume-api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { printVolumes } from '../views/volumes.ts';

/** `tsstack volumes`. */
export const command = defineCommand({
  name: 'volumes',
  summary: 'List the volumes that a stack made or uses',
  operands: '[SERVICE…]',
  options: { quiet: flag('q', 'Only names') },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack volumes', does: 'volumes of the stack, and the containers that use them' },
    { command: 'tsstack volumes -q db', does: 'names of those that one service uses' },
  ],
  run: async (context, { options, operands }) => {
    const request: VolumesRequest = { selector: stackSelector(context) };
    const volumes = await context.client.post<readonly VolumeSummary[]>('/v1/volumes', request);
    const chosen = volumes.filter(
      ({ users }) => operands.length === 0 || users.some(({ service }) => operands.includes(service)),
    );
    printVolumes(context, chosen, options.quiet);
    return EXIT.done;
  },
});
