import type { ContentStore } from '../image/content/content-store.ts';
import { familiarName, nameInFull, parseReference } from '../image/content/reference.ts';
import { findStored } from '../image/content/stored-image.ts';
import { imageKey } from '../image/image.ts';
import { platformFromText } from '../image/platform.ts';
import { TsstackError } from '../model/error.ts';
import { type ImageSource, mountedSources, type PullPolicy, type Stack } from '../model/stack.ts';
import type { Engine } from './engine.ts';
import type { Reporting } from './reporting.ts';

/** What a command says of pulling; `policy` or absent: each service's own. */
export type PullWish = 'always' | 'missing' | 'never' | 'policy';

/** An image that is to be fetched. */
export interface WantedImage {
  /** As `imageKey` gives it. */
  readonly key: string;
  readonly reference: string;
  readonly platform?: string;
}

type ReferenceSource = ImageSource & { readonly type: 'reference' };

/** The images of a stack that are to be pulled before it can be planned, each once. */
export function imagesToPull(engine: Engine, stack: Stack, wish: PullWish = 'policy'): readonly WantedImage[] {
  const wanted = new Map<string, WantedImage>();
  const want = (sources: readonly ImageSource[], policy: PullPolicy): void => {
    for (const each of sources) {
      // One that is empty is for the plan to refuse.
      if (each.type !== 'reference' || each.reference === '' || !isDue(engine, each, policy)) continue;
      wanted.set(imageKey(each), { key: imageKey(each), ...each });
    }
  };
  for (const { source, preStart = [], mounts, pullPolicy = 'missing', replicas } of Object.values(stack.services)) {
    if (replicas === 0) continue;
    want([source, ...preStart.flatMap((hook) => hook.source ?? [])], wish === 'policy' ? pullPolicy : wish);
    want(mountedSources(mounts), wish === 'policy' ? mountPolicy(pullPolicy) : wish);
  }
  return [...wanted.values()];
}

/** What a service mounts is not what it is built into, and is not looked for anew at every `up`: as in Compose. */
function mountPolicy(policy: PullPolicy): PullPolicy {
  return policy === 'never' ? 'never' : 'missing';
}

function isDue(engine: Engine, source: ReferenceSource, policy: PullPolicy): boolean {
  if (policy === 'never' || policy === 'build') return false;
  const there = isStored(engine.images.content, source);
  if (!there || policy === 'missing') return !there;
  const name = nameInFull(source.reference);
  // What a digest or an id stands for never changes.
  if (name === undefined || name.includes('@')) return false;
  if (policy === 'always') return true;
  const since = engine.images.content.index.namedAtMs(name) ?? 0;
  return engine.machine.now() - since >= policy.refreshAfterMs;
}

function isStored(store: ContentStore, { reference, platform }: ReferenceSource): boolean {
  try {
    findStored(store, reference, platform === undefined ? undefined : platformFromText(platform));
    return true;
  } catch (error) {
    if (error instanceof TsstackError) return false;
    throw error;
  }
}

export interface PullRequest {
  /** Empty: all of the stack. */
  readonly services: readonly string[];
  /** Not of these. */
  readonly without: readonly string[];
  readonly includeDeps: boolean;
  /** Services whose image cannot be pulled are warned about. */
  readonly ignoreFailures: boolean;
  readonly wish: PullWish;
  readonly env: Readonly<Record<string, string>>;
}

/** The images of a stack, whether they are there or not; their references. */
export async function pullStack(
  engine: Engine,
  stack: Stack,
  { services, without, includeDeps, ignoreFailures, wish, env }: PullRequest,
  reporting: Reporting,
): Promise<readonly string[]> {
  const named = Object.entries(stack.services).filter(
    ([name]) => !without.includes(name) && (services.length === 0 || includeDeps || services.includes(name)),
  );
  const images = imagesToPull(engine, { ...stack, services: Object.fromEntries(named) }, wish);
  if (reporting.dryRun === true) {
    for (const { reference } of images) reporting.progress({ type: 'note', message: `${reference} would be pulled` });
    return [];
  }
  await pullImages(engine, images, { env, reporting, ignoreFailures });
  return images.map(({ reference }) => reference);
}

interface PullContext {
  /** Of the user, whose credentials are used. */
  readonly env: Readonly<Record<string, string>>;
  readonly reporting: Reporting;
  readonly ignoreFailures?: boolean;
}

/**
 * Pulls images side by side. Throws the first failure when all have ended; what has come by then is taken up by the next
 * pull.
 */
export function pullImages(
  engine: Engine,
  images: readonly Omit<WantedImage, 'key'>[],
  context: PullContext,
): Promise<void> {
  return engine.images.hold(async () => {
    const results = await Promise.allSettled(images.map((image) => pullOne(engine, image, context)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    for (const failure of failures) {
      const known = failure instanceof TsstackError && failure.code !== 'cancelled';
      if (context.ignoreFailures !== true || !known) throw failure;
      context.reporting.progress({ type: 'warning', message: failure.message });
    }
  });
}

async function pullOne(
  engine: Engine,
  { reference, platform }: Omit<WantedImage, 'key'>,
  { env, reporting: { signal, progress } }: PullContext,
): Promise<void> {
  const parsed = parseReference(reference);
  const subject = familiarName(parsed);
  // Loaded when it is first needed: what speaks with registries is a third of the daemon.
  const { pullImage } = await import('../image/registry/pull.ts');
  const { alreadyThere } = await pullImage(engine.images.content, parsed, {
    ...(platform !== undefined && { platform }),
    env,
    signal,
    progress: ({ digest, bytes, size }) => progress({ type: 'transfer', subject, digest, bytes, size }),
    warn: (message) => progress({ type: 'warning', message }),
  });
  progress({ type: 'note', message: `${subject} ${alreadyThere ? 'is up to date' : 'pulled'}` });
}
