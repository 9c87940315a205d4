import type { OciSpecRequest, OciSpecResponse } from '../../daemon/api.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { countOption } from '../numbers.ts';
import { value } from '../options.ts';
import { loadRequest } from '../stack-request.ts';
import { printDiagnostics } from '../views/error.ts';

/** `tsstack oci-spec`. */
export const command = defineCommand({
  name: 'oci-spec',
  summary: 'Print the config.json that an OCI runtime would start a service with',
  operands: 'SERVICE',
  options: {
    index: value('', 'N', 'Of this replica, instead of the first'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack oci-spec web', does: 'what crun or runc would be given; nothing is changed' },
    { command: 'tsstack oci-spec web | jq .linux.seccomp', does: 'the filter, for its capabilities and this kernel' },
  ],
  run: async (context, { options, operands }) => {
    const [service, ...more] = operands;
    if (service === undefined || more.length > 0) {
      throw new TsstackError('usage', 'oci-spec needs one service', { hint: 'For example: tsstack oci-spec web' });
    }
    const index = countOption('index', options.index, 1);
    const request: OciSpecRequest = {
      load: loadRequest(context, [service]),
      service,
      ...(index !== undefined && { index }),
    };
    const { config, diagnostics } = await context.client.post<OciSpecResponse>('/v1/oci-spec', request);
    printDiagnostics(context.err, diagnostics);
    context.out.write(config);
    return EXIT.done;
  },
});
