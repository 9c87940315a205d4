import { randomBytes } from 'node:crypto';
import type { Machine } from '../../build/execute/work.ts';
import { copyImage } from '../../image/content/copy-image.ts';
import { findStored, type StoredImage } from '../../image/content/stored-image.ts';
import { type Platform, platformName } from '../../image/platform.ts';
import type { Build } from '../../model/build.ts';
import { TsstackError } from '../../model/error.ts';
import { resolveUser } from '../../runtime/user.ts';
import type { Engine } from '../engine.ts';
import { pullImages } from '../pull.ts';
import type { Reporting } from '../reporting.ts';
import { remoteSources } from './remote.ts';
import { runContainer } from './run-container.ts';

interface MachineOptions {
  /** A directory that is gone when the build has ended. */
  readonly staging: string;
  readonly build: Build;
  readonly env: Readonly<Record<string, string>>;
  readonly reporting: Reporting;
  /** Builds it if need be; its id. */
  readonly serviceImage: (service: string) => Promise<string>;
}

/** What a build may do, by the engine. */
export function buildMachine(engine: Engine, options: MachineOptions): Machine {
  const { staging, build, env, reporting, serviceImage } = options;
  const { content, steps, cacheMounts } = engine.images;
  const pulled = new Map<string, Promise<void>>();
  const pull = (reference: string, platform: Platform): Promise<void> => {
    const key = `${reference} ${platformName(platform)}`;
    const turn =
      pulled.get(key) ?? pullImages(engine, [{ reference, platform: platformName(platform) }], { env, reporting });
    pulled.set(key, turn);
    return turn;
  };
  return {
    store: content,
    cache: steps,
    images: engine.machine,
    now: engine.machine.now,
    image: async (reference, platform) => {
      const stored = build.pull ? undefined : storedOrNothing(engine, reference, platform);
      if (stored !== undefined) return stored;
      await pull(reference, platform);
      return findStored(content, reference, platform);
    },
    serviceImage: async (service, platform) => findStored(content, await serviceImage(service), platform),
    owner: (text, passwd, group) => {
      const { uid, gid } = resolveUser(text, [], { passwd, group, image: 'being built' });
      return { uid, gid };
    },
    run: (request, collect) => runContainer(engine, request, collect),
    cacheMount: (request) => cacheMounts.take(request),
    layoutImage: (path, tag, platform) => copyImage(content, { path, tag, platform }, reporting.signal),
    // It goes with the staging directory.
    writableCopy: async (path) => {
      const copy = `${staging}/${randomBytes(4).toString('hex')}`;
      await engine.machine.host.run(['cp', '-a', path, copy]);
      return { path: copy, release: () => undefined };
    },
    remote: remoteSources(engine, { staging, build, env, signal: reporting.signal }),
  };
}

function storedOrNothing(engine: Engine, reference: string, platform: Platform): StoredImage | undefined {
  try {
    return findStored(engine.images.content, reference, platform);
  } catch (error) {
    if (error instanceof TsstackError && error.code === 'image-missing') return undefined;
    throw error;
  }
}
