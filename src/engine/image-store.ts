import type { MachineContext } from '../executor/context.ts';
import { CacheMounts } from '../image/build-cache/cache-mounts.ts';
import { StepCache } from '../image/build-cache/step-cache.ts';
import { collectBlobs, removeLayers, unneededLayers } from '../image/content/collect.ts';
import { ContentStore } from '../image/content/content-store.ts';
import { listStored } from '../image/content/stored-image.ts';
import { imageIds } from '../model/container.ts';
import { diskUsage } from './disk-usage.ts';

/** The images of this machine, and who is working with them right now. */
export class ImageStore {
  readonly content: ContentStore;
  /** What builds keep: results of steps, and directories of theirs. */
  readonly steps: StepCache;
  readonly cacheMounts: CacheMounts;
  readonly #machine: Pick<MachineContext, 'paths' | 'records' | 'host'>;
  #holds = 0;
  #collecting: Promise<unknown> = Promise.resolve();

  constructor(machine: Pick<MachineContext, 'paths' | 'records' | 'host'>) {
    this.#machine = machine;
    this.content = new ContentStore(machine.paths);
    this.steps = new StepCache(machine.paths);
    this.cacheMounts = new CacheMounts(machine.host, machine.paths);
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

  /**
   * Images (ids, or chain ids of a build) whose unpacked layers are needed: those of the store, those that containers are
   * made from, and those that the cache of builds has.
   */
  needed(): ReadonlySet<string> {
    const containers = this.#machine.records.containers.all();
    return new Set([
      ...listStored(this.content).map(({ id }) => id),
      ...containers.flatMap(({ spec }) => imageIds(spec)),
      ...this.steps.entries().flatMap(({ chainId }) => chainId ?? []),
    ]);
  }

  /** Forgets what builds have kept; the bytes that its directories took. What is used right now stays. */
  async pruneBuilds(): Promise<number> {
    if (this.#holds > 0) return 0;
    const before = await this.#cacheMountBytes();
    this.steps.prune();
    await this.cacheMounts.prune();
    return before - (await this.#cacheMountBytes());
  }

  async #cacheMountBytes(): Promise<number> {
    return (await diskUsage(this.#machine.host, [this.cacheMounts.directory])) ?? 0;
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
    const kept = this.steps.entries().flatMap(({ layer }) => layer?.digest ?? []);
    const blobs = collectBlobs(this.content, kept);
    const needed = this.needed();
    const needs = { needed, ...(of !== undefined && { of: of.filter((id) => !needed.has(id)) }) };
    const directories = unneededLayers(paths, needs);
    const layers = directories.length === 0 ? 0 : ((await diskUsage(host, directories)) ?? 0);
    await removeLayers(paths, needs, directories);
    return blobs + layers;
  }
}
