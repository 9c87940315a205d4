import type { Handlers } from './handler.ts';
import { createContainerHandler } from './handlers/create-container.ts';
import { createNetworkHandler, removeNetworkHandler } from './handlers/network.ts';
import { removeContainerHandler } from './handlers/remove-container.ts';
import { startContainerHandler } from './handlers/start-container.ts';
import { stopContainerHandler } from './handlers/stop-container.ts';
import { unpackImageHandler } from './handlers/unpack-image.ts';
import { updateContainerHandler } from './handlers/update-container.ts';
import { createVolumeHandler, removeVolumeHandler } from './handlers/volume.ts';

export const HANDLERS: Handlers = {
  'unpack-image': unpackImageHandler,
  'create-network': createNetworkHandler,
  'remove-network': removeNetworkHandler,
  'create-volume': createVolumeHandler,
  'remove-volume': removeVolumeHandler,
  'create-container': createContainerHandler,
  'update-container': updateContainerHandler,
  'start-container': startContainerHandler,
  'stop-container': stopContainerHandler,
  'remove-container': removeContainerHandler,
};
