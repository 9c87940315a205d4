import type { Handlers } from './handler.ts';
import { awaitContainerHandler } from './handlers/await-container.ts';
import { createContainerHandler } from './handlers/create-container.ts';
import { drainContainerHandler } from './handlers/drain-container.ts';
import { createNetworkHandler, removeNetworkHandler } from './handlers/network.ts';
import { removeContainerHandler } from './handlers/remove-container.ts';
import { startContainerHandler } from './handlers/start-container.ts';
import { stopContainerHandler } from './handlers/stop-container.ts';
import { switchContainerHandler } from './handlers/switch-container.ts';
import { unpackImageHandler } from './handlers/unpack-image.ts';
import { updateContainerHandler } from './handlers/update-container.ts';
import { createVolumeHandler, removeVolumeHandler } from './handlers/volume.ts';
import { nextBatchHandler, watchContainerHandler } from './handlers/watch-container.ts';

export const HANDLERS: Handlers = {
  'unpack-image': unpackImageHandler,
  'create-network': createNetworkHandler,
  'remove-network': removeNetworkHandler,
  'create-volume': createVolumeHandler,
  'remove-volume': removeVolumeHandler,
  'create-container': createContainerHandler,
  'update-container': updateContainerHandler,
  'start-container': startContainerHandler,
  'await-container': awaitContainerHandler,
  'watch-container': watchContainerHandler,
  'switch-container': switchContainerHandler,
  'drain-container': drainContainerHandler,
  'next-batch': nextBatchHandler,
  'stop-container': stopContainerHandler,
  'remove-container': removeContainerHandler,
};
