import { deleteVolume, inspectVolume, listVolumes, makeVolume, transferVolume } from '../engine/volumes.ts';
import { TsstackError } from '../model/error.ts';
import type { Nothing } from './api.ts';
import { Body, parseSelector, selectStack } from './requests.ts';
import type { Route } from './route.ts';
import type { VolumeTransfer } from './volume-api.ts';

/** Routes about volumes. */
export const VOLUME_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/volumes',
    summary: 'All volumes of this machine, and who uses them',
    response: 'VolumeSummary[]',
    answer: ({ engine }) => listVolumes(engine),
  },
  {
    method: 'POST',
    path: '/v1/volumes',
    summary: 'Volumes that a stack made or uses',
    request: 'VolumesRequest',
    response: 'VolumeSummary[]',
    answer: ({ engine, body }) => listVolumes(engine, selectStack(parseSelector(new Body(body).body('selector')))),
  },
  {
    method: 'GET',
    path: '/v1/volumes/:name',
    summary: 'One volume, with its size',
    response: 'VolumeDetail',
    answer: ({ engine, parameters }) => inspectVolume(engine, parameters['name'] ?? ''),
  },
  {
    method: 'POST',
    path: '/v1/volumes/create',
    summary: 'Make a volume that belongs to no stack',
    request: 'CreateVolumeRequest',
    response: 'VolumeSummary',
    answer: ({ engine, body }) => {
      const request = new Body(body);
      const [name, labels] = [request.text('name'), request.textMap('labels')];
      return engine.whileBusy(() =>
        makeVolume(engine, { name, labels, driverOptions: request.textMap('driverOptions') }),
      );
    },
  },
  {
    method: 'POST',
    path: '/v1/volumes/remove',
    summary: 'Remove a volume that no container uses, with what is in it',
    request: 'RemoveVolumeRequest',
    response: 'Nothing',
    answer: async ({ engine, body }): Promise<Nothing> => {
      await engine.whileBusy(() => deleteVolume(engine, new Body(body).text('name')));
      return {};
    },
  },
  {
    method: 'POST',
    path: '/v1/volumes/transfer',
    summary: 'How to write a volume as a tar archive, or read one into it; the client performs it',
    request: 'VolumeTransferRequest',
    response: 'VolumeTransfer',
    answer: async ({ engine, body }): Promise<VolumeTransfer> => {
      const request = new Body(body);
      const direction = request.text('direction');
      if (direction !== 'export' && direction !== 'import') {
        throw new TsstackError('usage', `The request's "direction" is neither "export" nor "import"`);
      }
      return { argv: await transferVolume(engine, request.text('name'), direction) };
    },
  },
];
