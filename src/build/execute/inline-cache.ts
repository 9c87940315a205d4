import type { CachedStep } from '../../image/build-cache/step-cache.ts';
import { asObject, parseObject } from '../../image/json.ts';
import type { Platform } from '../../image/platform.ts';
import { TsstackError } from '../../model/error.ts';
import { imageState, type StageState } from './state.ts';
import type { ImageRequest, Machine } from './work.ts';

/** In the manifest of what we build: which step each layer came of, so that others can take it for a cache. */
const ANNOTATION = 'io.tsstack.build.steps';

export function stepAnnotations({ steps }: Pick<StageState, 'steps'>): Readonly<Record<string, string>> {
  return { [ANNOTATION]: JSON.stringify(steps.map(({ key, layer, createdMs }) => [key, layer, createdMs])) };
}

/**
 * The steps of `build.cache_from`: images that were built by us, pulled if need be. One that is not there is a warning.
 * They count for this build only: whoever can write to such an image must not decide what others build.
 */
export async function importSteps(
  machine: Machine,
  { build, progress }: Pick<ImageRequest, 'build' | 'progress'>,
  platform: Platform,
): Promise<ReadonlyMap<string, CachedStep>> {
  const found = new Map<string, CachedStep>();
  for (const source of build.cacheFrom) {
    try {
      for (const [key, step] of await stepsOf(machine, source, platform)) found.set(key, step);
    } catch (error) {
      if (!(error instanceof TsstackError) || error.code === 'cancelled') throw error;
      progress.warning(`cache_from: ${source}: ${error.message}`);
    }
  }
  return found;
}

async function stepsOf(
  machine: Machine,
  source: string,
  platform: Platform,
): Promise<readonly (readonly [string, CachedStep])[]> {
  const image = await machine.image(referenceOf(source), platform);
  const manifest = parseObject(machine.store.document(image.descriptor), 'the manifest');
  const text = asObject(manifest['annotations'] ?? {}, 'annotations')[ANNOTATION];
  if (typeof text !== 'string') throw new TsstackError('build-failed', 'it does not say which steps it was built by');
  const { layers } = imageState(image, (digest) => machine.store.document({ digest }));
  return parseSteps(text).flatMap(([key, place, createdMs]): readonly (readonly [string, CachedStep])[] => {
    const layer = layers[place];
    if (place >= 0 && layer === undefined) return [];
    return [[key, { createdMs, ...(layer !== undefined && { layer }) }]];
  });
}

/** Entries of another form are left out. */
function parseSteps(text: string): readonly (readonly [string, number, number])[] {
  try {
    const steps: unknown = JSON.parse(text);
    return Array.isArray(steps) ? steps.filter(isStep) : [];
  } catch {
    return [];
  }
}

function isStep(value: unknown): value is readonly [string, number, number] {
  if (!Array.isArray(value)) return false;
  const [key, layer, createdMs] = value as unknown[];
  return typeof key === 'string' && Number.isInteger(layer) && Number.isFinite(createdMs);
}

/** `name`, or `type=registry,ref=name`. */
function referenceOf(source: string): string {
  if (!source.includes('=')) return source;
  const fields = new Map(
    source.split(',').map((field): [string, string] => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1)];
    }),
  );
  const reference = fields.get('ref');
  if (fields.get('type') === 'registry' && reference !== undefined) return reference;
  throw new TsstackError('build-failed', 'this version takes images only', {
    hint: 'Write the name of an image, or type=registry,ref=NAME',
  });
}
