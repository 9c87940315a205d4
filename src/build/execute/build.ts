import { hostPlatform, type Platform } from '../../image/platform.ts';
import type { Build } from '../../model/build.ts';
import { resultsOf } from '../../model/error.ts';
import { ignoreFilesOf } from '../context/ignore.ts';
import type { ReadableTree } from '../context/tree.ts';
import { type Dockerfile, parseDockerfile } from '../dockerfile/parse.ts';
import { automaticArguments, globalArguments, unusedArguments } from '../dockerfile/scope.ts';
import { planStages } from '../dockerfile/stages.ts';
import { importSteps } from './inline-cache.ts';
import { openContext, openRemote } from './open-context.ts';
import { readDockerfile } from './read-dockerfile.ts';
import { buildStage } from './stage.ts';
import type { StageState } from './state.ts';
import type { ImageRequest, Machine, Work } from './work.ts';
import { type Built, writeImage, writeIndex } from './write-image.ts';

/** Builds an image into the store; nothing names it yet. Throws `invalid-dockerfile`, `build-failed`, `cancelled`. */
export async function buildImage(machine: Machine, request: ImageRequest): Promise<Built> {
  const { build, platforms, given, progress } = request;
  const context = await contextOf(machine, build);
  const source = await readDockerfile(machine, build, context);
  const dockerfile = parseDockerfile(source.text, source.file);
  for (const { message, hint, position } of dockerfile.warnings) {
    const place = position === undefined ? source.file : `${position.file}:${position.line}`;
    progress.warning(`${place}: ${message}${hint === undefined ? '' : ` (${hint})`}`);
  }
  for (const name of unusedArguments(dockerfile, given)) {
    progress.warning(`The argument ${name} is given, and no ARG of ${source.file} asks for it`);
  }
  const files = { context, dockerfile, source };
  if (platforms.length === 1 && platforms[0] !== undefined) {
    return buildFor(machine, request, { ...files, platform: platforms[0] });
  }
  const built = await Promise.allSettled(
    platforms.map(async (platform) => ({ platform, ...(await buildFor(machine, request, { ...files, platform })) })),
  );
  return writeIndex(machine.store, resultsOf(built));
}

interface Files {
  readonly context: ReadableTree;
  readonly dockerfile: Dockerfile;
  readonly source: { readonly file: string; readonly text: string };
  readonly platform: Platform;
}

async function buildFor(machine: Machine, request: ImageRequest, files: Files): Promise<Built> {
  const { build, given, signal } = request;
  const { context, dockerfile, source, platform } = files;
  const globals = globalArguments(dockerfile, given, automaticArguments(hostPlatform(), platform, build.target));
  const contexts = new Set(Object.keys(build.contexts));
  const { target } = build;
  const plan = planStages(dockerfile, { globals, contexts, ...(target !== undefined && { target }) });
  // When one stage fails, the others end, too.
  const failure = new AbortController();
  const stages = new Map<number, Promise<StageState>>();
  const work: Work = {
    ...request,
    machine,
    trees: new Map(),
    imported: request.noCache ? new Map() : await importSteps(machine, request, platform),
    dockerfile,
    file: source.file,
    text: source.text,
    plan,
    platform,
    globals,
    context,
    signal: AbortSignal.any([signal, failure.signal]),
    stage: (index) => {
      const found = stages.get(index);
      if (found === undefined) throw new Error(`stage ${index} was not planned`);
      return found;
    },
  };
  // A stage begins when the one that it needs is there; none comes before what it needs.
  for (const planned of plan.stages) {
    const built = Promise.resolve().then(() => buildStage(work, planned));
    stages.set(planned.index, built);
    built.catch(() => failure.abort());
  }
  resultsOf(await Promise.allSettled(stages.values()));
  return writeImage(machine.store, await work.stage(plan.target.index), { labels: build.labels });
}

async function contextOf(machine: Machine, build: Build): Promise<ReadableTree> {
  if (!build.context.startsWith('/')) return openRemote(machine, build.context);
  const { context, dockerfile = `${context}/Dockerfile`, dockerfileInline } = build;
  const { host } = machine.images;
  return dockerfileInline === undefined
    ? openContext(host, context, ignoreFilesOf(dockerfile))
    : openContext(host, context);
}
