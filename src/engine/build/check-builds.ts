import { isAbsolute, join } from 'node:path';
import { type Dockerfile, parseDockerfile } from '../../build/dockerfile/parse.ts';
import { automaticArguments, globalArguments } from '../../build/dockerfile/scope.ts';
import { planStages } from '../../build/dockerfile/stages.ts';
import { hostPlatform } from '../../image/platform.ts';
import { sourceExcerpt } from '../../lib/source-excerpt.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { InvalidDockerfileError, TsstackError } from '../../model/error.ts';
import { readRegularFile } from '../../spec/read.ts';
import type { WantedBuild } from './wanted-builds.ts';

/** Errors and warnings of the Dockerfiles of builds, in their order, each file once for a target and arguments. Nothing is built. */
export function checkBuilds(builds: readonly WantedBuild[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return builds.flatMap((wanted) => {
    const { context, dockerfile, dockerfileInline, target, args } = wanted.build;
    const key = JSON.stringify([context, dockerfile, dockerfileInline, target, args]);
    if (seen.has(key)) return [];
    seen.add(key);
    return checkBuild(wanted);
  });
}

function checkBuild({ service, build }: WantedBuild): readonly Diagnostic[] {
  if (build.dockerfileInline !== undefined) {
    return checkText(build.dockerfileInline, `${service}.dockerfile_inline`, build);
  }
  const path = dockerfilePath(build);
  if (path === undefined) {
    return [
      { severity: 'warning', code: 'dockerfile', message: `${service}: ${build.context} is not fetched to check it` },
    ];
  }
  const read = readRegularFile(path);
  if ('bytes' in read) return checkText(read.bytes.toString(), path, build);
  const hint = `Make the file, or write another dockerfile below build (${build.place})`;
  return [{ severity: 'error', code: 'dockerfile', message: `${service}: ${read.problem.message}`, hint }];
}

/** undefined: it lies elsewhere. */
function dockerfilePath({ context, dockerfile }: WantedBuild['build']): string | undefined {
  if (dockerfile !== undefined && isAbsolute(dockerfile)) return dockerfile;
  if (!isAbsolute(context)) return undefined;
  const [usual, lower] = [join(context, 'Dockerfile'), join(context, 'dockerfile')];
  return 'bytes' in readRegularFile(lower) && !('bytes' in readRegularFile(usual)) ? lower : usual;
}

function checkText(text: string, file: string, build: WantedBuild['build']): readonly Diagnostic[] {
  const withExcerpt = (diagnostic: Diagnostic): Diagnostic => {
    const { position } = diagnostic;
    if (position === undefined || diagnostic.excerpt !== undefined) return diagnostic;
    return { ...diagnostic, excerpt: sourceExcerpt(text, position.line, position.end.line).join('\n') };
  };
  try {
    const dockerfile = parseDockerfile(text, file);
    return [...dockerfile.warnings, ...stageProblems(dockerfile, file, build)].map(withExcerpt);
  } catch (error) {
    if (error instanceof InvalidDockerfileError) return error.diagnostics.map(withExcerpt);
    throw error;
  }
}

/** What is wrong with the stages that the target needs, as far as the arguments are known. */
function stageProblems(
  dockerfile: Dockerfile,
  file: string,
  { args, target, contexts }: WantedBuild['build'],
): readonly Diagnostic[] {
  const platform = hostPlatform();
  const globals = globalArguments(dockerfile, new Map(Object.entries(args)), automaticArguments(platform, platform));
  const options = { globals, contexts: new Set(Object.keys(contexts)), ...(target !== undefined && { target }) };
  try {
    planStages(dockerfile, options);
    return [];
  } catch (error) {
    if (!(error instanceof TsstackError) || error.code !== 'not-found') throw error;
    const { hint, message } = error;
    return [
      { severity: 'error', code: 'dockerfile', message: `${file}: ${message}`, ...(hint !== undefined && { hint }) },
    ];
  }
}
