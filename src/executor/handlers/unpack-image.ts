import { unpackImage } from '../../image/image.ts';
import type { Handler } from '../handler.ts';

/** Layers go into the store, which any other stack shares; undoing the plan leaves them there. */
export const unpackImageHandler: Handler<'unpack-image'> = {
  async before(step, context, run) {
    await unpackImage(context, step.source, step.imageId, run.signal);
  },
  operations: () => [],
};
