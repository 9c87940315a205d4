import { buildImage } from '../../build/execute/build.ts';
import { FailedRunError } from '../../build/execute/failed-run.ts';
import type { Progress } from '../../build/execute/work.ts';
import { writeImage } from '../../build/execute/write-image.ts';
import { canonicalName, parseReference } from '../../image/content/reference.ts';
import { findStored } from '../../image/content/stored-image.ts';
import { hostPlatform, type Platform, platformFromText } from '../../image/platform.ts';
import { withStaging } from '../../image/staging.ts';
import type { Build, BuildChanges } from '../../model/build.ts';
import { resultsOf, TsstackError } from '../../model/error.ts';
import type { FileSource } from '../../model/mounts.ts';
import type { Stack } from '../../model/stack.ts';
import type { Engine } from '../engine.ts';
import type { Reporting } from '../reporting.ts';
import { buildMachine } from './machine.ts';
import { type WantedBuild, withChanges } from './wanted-builds.ts';

export interface BuildOptions extends BuildChanges {
  /** Keep the failed state of a RUN as an image without a name, told in the error. */
  readonly keepFailed: boolean;
  /** Of the caller: credentials, SOURCE_DATE_EPOCH, proxies. */
  readonly env: Readonly<Record<string, string>>;
}

export interface BuiltImage {
  readonly service: string;
  readonly id: string;
  readonly names: readonly string[];
}

/** How long a cached step is kept that no build has used. */
const KEPT_UNUSED_MS = 14 * 24 * 3_600_000;

/**
 * Builds side by side, one that takes another's image (`service:x`) after it. Throws the first failure when all have
 * ended.
 */
export async function buildImages(
  engine: Engine,
  { stack, builds }: { readonly stack: Stack; readonly builds: readonly WantedBuild[] },
  options: BuildOptions,
  reporting: Reporting,
): Promise<readonly BuiltImage[]> {
  refuseCycles(builds);
  return engine.images.hold(async () => {
    const running = new Map<string, Promise<BuiltImage>>();
    const context: Context = { engine, stack, builds, options, reporting, running };
    const images = resultsOf(await Promise.allSettled(builds.map(({ service }) => obtain(context, service))));
    engine.images.steps.prune(engine.machine.now() - KEPT_UNUSED_MS);
    return images;
  });
}

interface Context {
  readonly engine: Engine;
  readonly stack: Stack;
  readonly builds: readonly WantedBuild[];
  readonly options: BuildOptions;
  readonly reporting: Reporting;
  readonly running: Map<string, Promise<BuiltImage>>;
}

/** The image of a service, built once however many ask for it. */
function obtain(context: Context, service: string): Promise<BuiltImage> {
  const known = context.running.get(service);
  if (known !== undefined) return known;
  const wanted = context.builds.find((each) => each.service === service);
  const turn = wanted === undefined ? Promise.resolve(stored(context, service)) : buildOne(context, wanted);
  context.running.set(service, turn);
  return turn;
}

/** One that is there and was not to be built again. */
function stored({ engine, stack }: Context, service: string): BuiltImage {
  const source = (stack.services[service] ?? stack.buildSources?.[service])?.source;
  if (source?.type !== 'reference') throw new Error(`a build takes the image of ${service}, which has none`);
  const { id } = findStored(engine.images.content, source.reference);
  return { service, id, names: [source.reference] };
}

async function buildOne(context: Context, wanted: WantedBuild): Promise<BuiltImage> {
  const { engine, stack, options, reporting } = context;
  const { service, names, platform } = wanted;
  const build = withChanges(wanted.build, options);
  const { content } = engine.images;
  const built = await withStaging(engine.machine.paths, (staging) =>
    keepingFailed(engine, wanted, () =>
      buildImage(
        buildMachine(engine, {
          staging,
          build,
          env: options.env,
          reporting,
          serviceImage: async (other) => (await obtain(context, other)).id,
        }),
        {
          build,
          platforms: platformsOf(build, platform),
          given: new Map(Object.entries(build.args)),
          secrets: secretsOf(stack, build),
          noCache: build.noCache,
          keepFailed: options.keepFailed,
          sourceDateEpoch: sourceDateEpoch(build.args['SOURCE_DATE_EPOCH'] ?? options.env['SOURCE_DATE_EPOCH']),
          signal: reporting.signal,
          progress: progressOf(service, reporting),
        },
      ),
    ),
  );
  for (const name of names.map((each) => canonicalName(parseReference(each)))) {
    if (content.index.names().get(name)?.digest !== built.root.digest) content.index.set(name, built.root);
  }
  return { service, id: built.id, names };
}

/** What a failed RUN left becomes an image without a name, if that was asked for. */
async function keepingFailed<Result>(
  { images }: Engine,
  { service }: WantedBuild,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FailedRunError)) throw error;
    const { run, state, env } = error.failed;
    const hint = `Look round in what it left: tsstack build --shell-on-failure ${service}`;
    if (state === undefined) throw new TsstackError(error.code, error.message, { hint, details: error.details });
    const { root, id } = writeImage(images.content, state, { labels: {} });
    images.content.index.add(root);
    const { WorkingDir = '/', User = '' } = state.config;
    const failedImage = { id, service, argv: [run], env: Object.fromEntries(env), workingDir: WorkingDir, user: User };
    throw new TsstackError(error.code, error.message, { details: error.details, failedImage });
  }
}

function platformsOf({ platforms }: Build, platform: string | undefined): readonly Platform[] {
  if (platforms.length > 0) return platforms.map(platformFromText);
  return [platform === undefined ? hostPlatform() : platformFromText(platform)];
}

function secretsOf(stack: Stack, { secrets }: Build): ReadonlyMap<string, FileSource> {
  return new Map(
    secrets.flatMap(({ id, source }) => {
      const found = stack.secrets?.[source];
      return found === undefined ? [] : [[id, found] as const];
    }),
  );
}

function sourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new TsstackError('usage', `SOURCE_DATE_EPOCH is ${JSON.stringify(text)}`, {
    hint: 'It is a number of seconds since 1970',
  });
}

function progressOf(build: string, { progress }: Reporting): Progress {
  return {
    started: (step) => progress({ type: 'build-step', state: 'started', build, ...step }),
    ended: (step, state, durationMs) => progress({ type: 'build-step', state, build, durationMs, ...step }),
    output: ({ id }, text) => progress({ type: 'build-output', build, id, text }),
    warning: (message) => progress({ type: 'warning', message: `${build}: ${message}` }),
  };
}

/** Two that wait for each other would wait for ever. */
function refuseCycles(builds: readonly WantedBuild[]): void {
  const needs = new Map(
    builds.map(({ service, build }) => [
      service,
      Object.values(build.contexts).flatMap((context) => (context.type === 'service' ? [context.service] : [])),
    ]),
  );
  const visit = (service: string, trail: readonly string[]): void => {
    if (trail.includes(service)) {
      const cycle = [...trail.slice(trail.indexOf(service)), service].join(' → ');
      throw new TsstackError('usage', `Builds need each other: ${cycle}`, {
        hint: 'Take one of the "service:" entries out of additional_contexts',
      });
    }
    for (const next of needs.get(service) ?? []) visit(next, [...trail, service]);
  };
  for (const service of needs.keys()) visit(service, []);
}
