import { familiarName, parseReference } from '../image/content/reference.ts';
import { TsstackError } from '../model/error.ts';
import type { Engine } from './engine.ts';
import type { Reporting } from './reporting.ts';

export interface PushedImage {
  /** As users write it. */
  readonly name: string;
  readonly digest: string;
  readonly uploadedBytes: number;
}

export interface PushContext {
  /** Of the user, whose credentials are used. */
  readonly env: Readonly<Record<string, string>>;
  readonly reporting: Reporting;
  /** What cannot be pushed is warned about. */
  readonly ignoreFailures?: boolean;
}

/** Sends images of the store to the registries that their names say, one after the other. */
export function pushImages(
  engine: Engine,
  names: readonly string[],
  context: PushContext,
): Promise<readonly PushedImage[]> {
  const { progress } = context.reporting;
  return engine.images.hold(async () => {
    const pushed: PushedImage[] = [];
    for (const name of names) {
      try {
        pushed.push(await pushOne(engine, name, context));
      } catch (error) {
        const known = error instanceof TsstackError && error.code !== 'cancelled';
        if (context.ignoreFailures !== true || !known) throw error;
        progress({ type: 'warning', message: error.message });
      }
    }
    return pushed;
  });
}

async function pushOne(
  engine: Engine,
  name: string,
  { env, reporting: { signal, progress } }: PushContext,
): Promise<PushedImage> {
  const { pushImage } = await import('../image/registry/push.ts');
  const reference = parseReference(name);
  const subject = familiarName(reference);
  const done = await pushImage(engine.images.content, reference, reference, {
    env,
    signal,
    progress: ({ digest, bytes, size }) => progress({ type: 'transfer', subject, digest, bytes, size }),
    warn: (message) => progress({ type: 'warning', message }),
  });
  return { name: subject, ...done };
}

/** A service as far as its images go: `image`, and `build` with its further `tags`. */
export interface BuildableService {
  readonly image?: string;
  readonly build?: { readonly tags?: readonly string[] };
}

export interface PushStackRequest {
  readonly services: Readonly<Record<string, BuildableService>>;
  /** Empty: all of the stack. */
  readonly named: readonly string[];
  /** Also what the named ones depend on, which is among `services`. */
  readonly includeDeps: boolean;
}

/**
 * The images that services are built into and that have a name, with their further tags, each once. Whoever has no
 * `build` uses an image that somebody else pushes; whoever has no `image` has none that a registry is told by.
 */
export function imagesToPush({ services, named, includeDeps }: PushStackRequest): readonly string[] {
  const wanted = Object.entries(services).filter(([name]) => named.length === 0 || includeDeps || named.includes(name));
  return [
    ...new Set(
      wanted.flatMap(([, { image, build }]) =>
        image === undefined || build === undefined ? [] : [image, ...(build.tags ?? [])],
      ),
    ),
  ];
}

/** Pushes what `imagesToPush()` gives; tells of each. */
export async function pushStack(
  engine: Engine,
  request: PushStackRequest,
  context: PushContext,
): Promise<readonly PushedImage[]> {
  const { progress, dryRun } = context.reporting;
  const names = imagesToPush(request);
  if (names.length === 0) {
    progress({ type: 'note', message: 'Nothing to push: no service has both "build" and "image"' });
  }
  if (dryRun === true) {
    for (const name of names) progress({ type: 'note', message: `${name} would be pushed` });
    return [];
  }
  return pushImages(engine, names, context);
}
