import { changesOf } from '../engine/changes.ts';
import { commit } from '../engine/commit.ts';
import type { ContainerView } from '../engine/containers.ts';
import { chooseContainers } from '../engine/copy.ts';
import type { Engine } from '../engine/engine.ts';
import { exportImage } from '../engine/image-export.ts';
import { importImage } from '../engine/import.ts';
import {
  inspectStoredImage,
  listStoredImages,
  loadArchive,
  pruneImages,
  removeImages,
  saveArchive,
  tagImage,
} from '../engine/stored-images.ts';
import { diskUse } from '../engine/system.ts';
import type { Nothing } from './api.ts';
import type { CommitResult, ExportedImage, ImportedImage } from './image-api.ts';
import { Body, parseSelector, selectStack } from './requests.ts';
import type { Route } from './route.ts';

/** Routes about the images of the store. */
export const IMAGE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/store',
    summary: 'All images of the store, newest first',
    response: 'StoredImageSummary[]',
    answer: ({ engine }) => listStoredImages(engine),
  },
  {
    method: 'POST',
    path: '/v1/store/inspect',
    summary: 'Images with their configuration, layers and history',
    request: 'InspectImagesRequest',
    response: 'StoredImageDetail[]',
    answer: ({ engine, body }) => new Body(body).texts('names').map((name) => inspectStoredImage(engine, name)),
  },
  {
    method: 'POST',
    path: '/v1/store/tag',
    summary: 'Give an image another name',
    request: 'TagImageRequest',
    response: 'Nothing',
    answer: ({ engine, body }): Nothing => {
      const request = new Body(body);
      tagImage(engine, request.text('source'), request.text('target'));
      return {};
    },
  },
  {
    method: 'POST',
    path: '/v1/store/remove',
    summary: 'Take names of images away, and images with their last name',
    request: 'RemoveImagesRequest',
    response: 'RemovedImages',
    answer: ({ engine, body }) => {
      const request = new Body(body);
      const wishes = { names: request.texts('names'), force: request.flag('force') };
      return engine.whileBusy(() => removeImages(engine, wishes));
    },
  },
  {
    method: 'POST',
    path: '/v1/store/prune',
    summary: 'Remove images that nothing needs',
    request: 'PruneImagesRequest',
    response: 'RemovedImages',
    answer: ({ engine, body }) => {
      const request = new Body(body);
      const wishes = { all: request.flag('all'), layers: request.flag('layers') };
      return engine.whileBusy(() => pruneImages(engine, wishes));
    },
  },
  {
    method: 'POST',
    path: '/v1/store/load',
    summary: 'Take the images of an archive or an OCI image layout into the store',
    request: 'LoadImagesRequest',
    response: 'LoadedImages',
    endsWithClient: true,
    stream: ({ engine, body }, reporting) => loadArchive(engine, new Body(body).text('path'), reporting),
  },
  {
    method: 'POST',
    path: '/v1/store/import',
    summary: "Make an image of one layer from a root filesystem's tarball",
    request: 'ImportImageRequest',
    response: 'ImportedImage',
    endsWithClient: true,
    stream: ({ engine, body }, reporting): Promise<ImportedImage> => {
      const request = new Body(body);
      const [name, platform] = [request.optionalText('name'), request.optionalText('platform')];
      const options = {
        path: request.text('path'),
        from: request.text('from'),
        ...(name !== undefined && { name }),
        message: request.text('message'),
        changes: request.texts('changes'),
        ...(platform !== undefined && { platform }),
      };
      return importImage(engine, options, reporting);
    },
  },
  {
    method: 'POST',
    path: '/v1/store/save',
    summary: 'Write images into an archive',
    request: 'SaveImagesRequest',
    response: 'SavedImages',
    endsWithClient: true,
    stream: ({ engine, body }, reporting) => {
      const request = new Body(body);
      return saveArchive(engine, { names: request.texts('names'), path: request.text('path') }, reporting);
    },
  },
  {
    method: 'POST',
    path: '/v1/store/export',
    summary: 'Write the root filesystem of an image as a tar archive',
    request: 'ExportImageRequest',
    response: 'ExportedImage',
    endsWithClient: true,
    stream: ({ engine, body }, reporting): Promise<ExportedImage> => {
      const request = new Body(body);
      const platform = request.optionalText('platform');
      const options = { name: request.text('name'), path: request.text('path') };
      return exportImage(engine, { ...options, ...(platform !== undefined && { platform }) }, reporting);
    },
  },
  {
    method: 'GET',
    path: '/v1/usage',
    summary: 'What images, layers, containers and volumes take on the disk',
    response: 'DiskUse[]',
    answer: ({ engine }) => engine.whileBusy(() => diskUse(engine)),
  },
  {
    method: 'POST',
    path: '/v1/changes',
    summary: 'What a container has added, changed and deleted besides its image',
    request: 'ChangesRequest',
    response: 'ContainerChange[]',
    answer: ({ engine, body }) =>
      engine.whileBusy(() =>
        changesOf(engine, chosen(engine, new Body(body)), AbortSignal.timeout(CHANGES_TIMEOUT_MS)),
      ),
  },
  {
    method: 'POST',
    path: '/v1/commit',
    summary: 'Make an image of a container',
    request: 'CommitRequest',
    response: 'CommitResult',
    endsWithClient: true,
    stream: ({ engine, body }, { signal }): Promise<CommitResult> => {
      const request = new Body(body);
      const name = request.optionalText('name');
      return commit(engine, chosen(engine, request), {
        ...(name !== undefined && { name }),
        author: request.text('author'),
        message: request.text('message'),
        changes: request.texts('changes'),
        pause: request.flag('pause'),
        signal,
      });
    },
  },
];

const CHANGES_TIMEOUT_MS = 120_000;

function chosen(engine: Engine, request: Body): ContainerView {
  const index = request.optionalNumber('index');
  const stack = selectStack(parseSelector(request.body('selector')));
  const wanted = { service: request.text('service'), all: false, first: true, ...(index !== undefined && { index }) };
  const [view] = chooseContainers(engine, stack, wanted);
  if (view === undefined) throw new Error('chooseContainers() gives one or throws');
  return view;
}
