import type { BuiltLayer } from '../../image/build-cache/step-cache.ts';
import { chainOf, type StageState, withLayer } from './state.ts';
import type { Step, Work } from './work.ts';

/** A step that may change files. */
export interface FileStep {
  readonly step: Step;
  /** What its result is kept under. */
  readonly key: string;
  /** What history says of it. */
  readonly createdBy: string;
  /** Does it; undefined: no file has changed. */
  readonly make: () => Promise<BuiltLayer | undefined>;
}

/** Takes the result of a step from the cache, or does it and keeps the result. */
export async function perform(work: Work, state: StageState, fileStep: FileStep): Promise<StageState> {
  const { machine, progress, noCache } = work;
  const { step, key, createdBy, make } = fileStep;
  const startedMs = machine.now();
  const cached = noCache ? undefined : (machine.cache.get(key) ?? work.imported.get(key));
  if (cached !== undefined && (cached.layer === undefined || machine.store.blob(cached.layer.digest) !== undefined)) {
    progress.ended(step, 'cached', machine.now() - startedMs);
    return withLayer(state, cached.layer, { key, createdBy, createdMs: cached.createdMs });
  }
  return told(work, step, async () => {
    const layer = await make();
    const createdMs = work.sourceDateEpoch === undefined ? machine.now() : work.sourceDateEpoch * 1000;
    const next = withLayer(state, layer, { key, createdBy, createdMs });
    const chainId = chainOf(next).at(-1);
    machine.cache.put(key, {
      createdMs,
      ...(layer !== undefined && { layer }),
      ...(chainId !== undefined && { chainId }),
    });
    return next;
  });
}

/** Tells of something that is done however it ends. */
export async function told<Result>(
  { machine, progress }: Pick<Work, 'machine' | 'progress'>,
  step: Step,
  body: () => Promise<Result>,
): Promise<Result> {
  const startedMs = machine.now();
  progress.started(step);
  try {
    const result = await body();
    progress.ended(step, 'done', machine.now() - startedMs);
    return result;
  } catch (error) {
    progress.ended(step, 'failed', machine.now() - startedMs);
    throw error;
  }
}
