import type { ContainerImage, ContainersRequest } from '../../daemon/api.ts';
import { defineCommand, EXIT } from '../command.ts';
import { flag } from '../options.ts';
import { stackSelector } from '../stack-request.ts';
import { renderImages, withoutAlgorithm } from '../views/images.ts';

/** `tsstack images`. */
export const command = defineCommand({
  name: 'images',
  summary: 'List the images that containers are made from',
  operands: '[SERVICE…]',
  options: { quiet: flag('q', 'Only ids, whole, each once') },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack images', does: 'where the root of each container comes from, how large and how old it is' },
    { command: 'tsstack images -q web', does: 'the id of one service’s image, for scripts' },
  ],
  run: async (context, { options, operands }) => {
    const request: ContainersRequest = { selector: stackSelector(context), services: operands };
    const images = await context.client.post<readonly ContainerImage[]>('/v1/images', request);
    if (options.quiet) context.out.write([...new Set(images.map(({ id }) => `${withoutAlgorithm(id)}\n`))].join(''));
    else if (context.format === 'json') context.out.write(`${JSON.stringify(images, undefined, 2)}\n`);
    else context.out.write(renderImages(images, Date.now()));
    return EXIT.done;
  },
});
