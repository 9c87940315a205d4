import { cut, heal, netStatus, type ShapeRequest, shapeByHand } from '../engine/net.ts';
import { TsstackError } from '../model/error.ts';
import { DIRECTIONS } from '../model/shape.ts';
import type { Affected } from './api.ts';
import type { NetStatus } from './net-api.ts';
import { Body, parseSelector, selectStack } from './requests.ts';
import type { Route } from './route.ts';

/** Routes about networks that are changed by hand. */
export const NET_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/net',
    summary: 'How the networks of containers are now',
    request: 'NetStatusRequest',
    response: 'NetStatus[]',
    answer: ({ engine, body }): readonly NetStatus[] => {
      const { stack, names } = target(new Body(body));
      return netStatus(engine, stack, names);
    },
  },
  {
    method: 'POST',
    path: '/v1/net/shape',
    summary: 'Shape the links of containers',
    request: 'NetShapeRequest',
    response: 'Affected',
    answer: async ({ engine, body }): Promise<Affected> => {
      const request = new Body(body);
      const { stack, ...names } = target(request);
      return { containers: await shapeByHand(engine, stack, { ...names, ...wanted(request) }) };
    },
  },
  {
    method: 'POST',
    path: '/v1/net/cut',
    summary: 'Let no packet pass between containers',
    request: 'NetCutRequest',
    response: 'Affected',
    answer: async ({ engine, body }): Promise<Affected> => {
      const { stack, ...names } = target(new Body(body));
      return { containers: await cut(engine, stack, names) };
    },
  },
  {
    method: 'POST',
    path: '/v1/net/heal',
    summary: 'Undo what was changed on networks by hand',
    request: 'NetHealRequest',
    response: 'Affected',
    answer: async ({ engine, body }): Promise<Affected> => {
      const { stack, names } = target(new Body(body));
      return { containers: await heal(engine, stack, names) };
    },
  },
];

function target(request: Body): {
  readonly stack: string;
  readonly names: readonly string[];
  readonly network?: string;
} {
  const network = request.optionalText('network');
  return {
    stack: selectStack(parseSelector(request.body('selector'))),
    names: request.texts('names'),
    ...(network !== undefined && { network }),
  };
}

function wanted(request: Body): Pick<ShapeRequest, 'shape' | 'direction'> {
  const direction = request.optionalText('direction');
  const known = DIRECTIONS.find((each) => each === direction);
  if (direction !== undefined && known === undefined) {
    throw new TsstackError('usage', `The request's "direction" is not one of ${DIRECTIONS.join(', ')}`);
  }
  return {
    ...(known !== undefined && { direction: known }),
    ...(request.has('shape') && { shape: request.textMap('shape') }),
  };
}
