import { familiarName, nameInFull, parseReference } from '../image/content/reference.ts';
import { imageKey } from '../image/image.ts';
import { TsstackError } from '../model/error.ts';
import { type ImageSource, mountedSources, type PullPolicy, type Service, type Stack } from '../model/stack.ts';
import { type BuildChoice, isBuiltAnyway } from './build/images-to-build.ts';
import type { Engine } from './engine.ts';
import type { Reporting } from './reporting.ts';
import { type HasImages, isStored, type ReferenceSource } from './stored.ts';

/** What a command says of pulling; `policy` or absent: each service's own. */
export type PullWish = 'always' | 'missing' | 'never' | 'policy';

/** An image that is to be fetched. */
export interface WantedImage {
  /** As `imageKey` gives it. */
  readonly key: string;
  readonly reference: string;
  readonly platform?: string;
  /** It can be built: that it cannot be pulled is only warned about. */
  readonly buildable?: true;
}

/** Of an engine what says whether an image is due. */
export type Pullable = HasImages & { readonly machine: Pick<Engine['machine'], 'now'> };

/**
 * The images of a stack that are to be pulled before it can be planned, each once: none that are built anyway, or that have
 * their name from us.
 */
export function imagesToPull(
  engine: Pullable,
  stack: Stack,
  {
    pull: wish = 'policy',
    build = { wish: 'missing' },
  }: { readonly pull?: PullWish; readonly build?: BuildChoice } = {},
): readonly WantedImage[] {
  const builds = Object.values(stack.services).filter((service) => service.build !== undefined);
  const buildable = new Set(builds.map(({ source }) => imageKey(source)));
  const own = builds.filter((service) => isNamedByUs(stack, service) || isBuiltAnyway(service, build));
  const without = new Set(own.map(({ source }) => imageKey(source)));
  const wanted = new Map<string, WantedImage>();
  const want = (sources: readonly ImageSource[], policy: PullPolicy): void => {
    for (const each of sources) {
      const key = imageKey(each);
      // One that is empty is for the plan to refuse.
      if (each.type !== 'reference' || each.reference === '' || without.has(key)) continue;
      if (!isDue(engine, each, policy)) continue;
      const optional = buildable.has(key) && build.wish !== 'never';
      wanted.set(key, { key, ...each, ...(optional && { buildable: true }) });
    }
  };
  for (const { source, preStart = [], mounts, pullPolicy = 'missing', replicas } of Object.values(stack.services)) {
    if (replicas === 0) continue;
    want([source, ...preStart.flatMap((hook) => hook.source ?? [])], wish === 'policy' ? pullPolicy : wish);
    want(mountedSources(mounts), wish === 'policy' ? mountPolicy(pullPolicy) : wish);
  }
  return [...wanted.values()];
}

/** Nobody else has an image of this name. */
function isNamedByUs(stack: Stack, { name, oneOff, source }: Service): boolean {
  return source.type === 'reference' && source.reference === `${stack.name}-${oneOff?.service ?? name}`;
}

/** What a service mounts is not what it is built into, and is not looked for anew at every `up`: as in Compose. */
function mountPolicy(policy: PullPolicy): PullPolicy {
  return policy === 'never' ? 'never' : 'missing';
}

function isDue(engine: Pullable, source: ReferenceSource, policy: PullPolicy): boolean {
  if (policy === 'never' || policy === 'build') return false;
  const there = isStored(engine, source);
  if (!there || policy === 'missing') return !there;
  const name = nameInFull(source.reference);
  // What a digest or an id stands for never changes.
  if (name === undefined || name.includes('@')) return false;
  if (policy === 'always') return true;
  const since = engine.images.content.index.namedAtMs(name) ?? 0;
  return engine.machine.now() - since >= policy.refreshAfterMs;
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
  const images = imagesToPull(engine, { ...stack, services: Object.fromEntries(named) }, { pull: wish });
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
  /** What can be built and not pulled is built next. */
  readonly thenBuilt?: true;
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
    for (const [position, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      const failure: unknown = result.reason;
      const buildable = images[position]?.buildable === true;
      const known = failure instanceof TsstackError && failure.code !== 'cancelled';
      if (!known || (context.ignoreFailures !== true && !buildable)) throw failure;
      const built = context.thenBuilt === true ? 'it is built' : 'it can be built with: tsstack build';
      const subject = `Cannot pull ${images[position]?.reference}${buildable ? `, ${built}` : ''}`;
      context.reporting.progress({ type: 'warning', message: `${subject}: ${failure.message}` });
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
