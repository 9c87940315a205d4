import type { MachineContext } from '../executor/context.ts';
import { collectBlobs, removeLayers, unneededLayers } from '../image/content/collect.ts';
import { ContentStore } from '../image/content/content-store.ts';
import { listStored } from '../image/content/stored-image.ts';
import { imageIds } from '../model/container.ts';
import { diskUsage } from './disk-usage.ts';

/** The images of this machine, and who is working with them right now. */
export class ImageStore {
  readonly content: ContentStore;
  readonly #machine: Pick<MachineContext, 'paths' | 'records' | 'host'>;
  #holds = 0;
  #collecting: Promise<unknown> = Promise.resolve();

  constructor(machine: Pick<MachineContext, 'paths' | 'records' | 'host'>) {
    this.#machine = machine;
    this.content = new ContentStore(machine.paths);
  }

  /** While `work` runs nothing is collected: blobs come before their image has a name, layers before their container. */
  async hold<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#collecting;
    this.#holds += 1;
    try {
      return await work();
    } finally {
      this.#holds -= 1;
    }
  }

  /** Images (ids) whose unpacked layers are needed: those of the store, and those that containers are made from. */
  needed(): ReadonlySet<string> {
    const containers = this.#machine.records.containers.all();
    return new Set([
      ...listStored(this.content).map(({ id }) => id),
      ...containers.flatMap(({ spec }) => imageIds(spec)),
    ]);
  }

  /**
   * Removes blobs that no image needs, and the unpacked layers of these images (ids; absent: of all) that neither an image
   * nor a container needs; the bytes that are free now. While something is held nothing is removed: the next call does it.
   */
  async collect(of?: readonly string[]): Promise<number> {
    await this.#collecting;
    if (this.#holds > 0) return 0;
    const turn = this.#collect(of);
    this.#collecting = turn.catch(() => undefined);
    return turn;
  }

  async #collect(of: readonly string[] | undefined): Promise<number> {
    const { paths, host } = this.#machine;
    const blobs = collectBlobs(this.content);
    const needed = this.needed();
    const needs = { needed, ...(of !== undefined && { of: of.filter((id) => !needed.has(id)) }) };
    const directories = unneededLayers(paths, needs);
    const layers = directories.length === 0 ? 0 : ((await diskUsage(host, directories)) ?? 0);
    await removeLayers(paths, needs, directories);
    return blobs + layers;
  }
}
