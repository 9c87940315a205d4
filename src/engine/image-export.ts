import { ImageTree } from '../build/context/image-tree.ts';
import { writeTree } from '../build/layer/write-tree.ts';
import { platformFromText } from '../image/platform.ts';
import { unpackOpened } from '../image/unpack-image.ts';
import { unpackedLayers } from '../image/unpacked.ts';
import type { Engine } from './engine.ts';
import type { Reporting } from './reporting.ts';
import { findImage } from './stored-images.ts';

export interface ExportImageOptions {
  readonly name: string;
  /** Of an image for several; absent: of this machine. */
  readonly platform?: string;
  /** Absolute; a file or FIFO that is written. */
  readonly path: string;
}

/** Writes the root filesystem of an image, all its layers together, as a tar archive; gives the image's id. */
export function exportImage(
  engine: Engine,
  { name, platform, path }: ExportImageOptions,
  { signal }: Reporting,
): Promise<{ readonly id: string }> {
  const { images, machine } = engine;
  return images.hold(async () => {
    const image = findImage(engine, name, platform === undefined ? undefined : platformFromText(platform));
    await unpackOpened(machine, image, signal);
    const layers = unpackedLayers(machine.paths, image.id) ?? [];
    await writeTree(new ImageTree([...layers].reverse()), path, signal);
    return { id: image.id };
  });
}
