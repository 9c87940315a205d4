import { readFileSync, writeFileSync } from 'node:fs';
import { loadImages } from '../../src/image/content/load.ts';
import { type BuildCase, baseArchive } from './build-cases.ts';
import { type BuildEngine, withBuildEngine } from './build-engine.ts';
import type { DescribedImage } from './describe-image.ts';

/** An engine that several tests use one after the other; `base` is that of the cases. */
export interface CasesEngine {
  readonly engine: BuildEngine;
  readonly close: () => Promise<void>;
}

export async function openCasesEngine(): Promise<CasesEngine> {
  const closed = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<BuildEngine>();
  const ended = withBuildEngine(async (engine) => {
    await loadArchive(engine, `${engine.directory}/../base.tar`, await baseArchive());
    opened.resolve(engine);
    await closed.promise;
  });
  ended.catch(opened.reject);
  return {
    engine: await opened.promise,
    close: () => {
      closed.resolve();
      return ended;
    },
  };
}

/** Takes the images of an archive, which is written first when its content is given. */
export async function loadArchive({ engine }: BuildEngine, path: string, content?: Buffer): Promise<void> {
  if (content !== undefined) writeFileSync(path, content);
  const options = { signal: new AbortController().signal, progress: () => undefined };
  await loadImages(engine.images.content, { path, directory: false }, options);
}

/** What BuildKit gave. */
export function recordedOf({ directory }: BuildCase): DescribedImage {
  return JSON.parse(readFileSync(`${directory}/expected.json`, 'utf8')) as DescribedImage;
}

/** The same, with what we mean to do otherwise. */
export function expectedOf(each: BuildCase): DescribedImage {
  const { config, files: recorded } = recordedOf(each);
  const files = Object.entries({ ...recorded, ...each.ours?.files });
  return {
    config,
    files: Object.fromEntries(files.flatMap(([path, text]) => (text === null ? [] : [[path, text] as const]))),
  };
}
