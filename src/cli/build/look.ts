import { checkBuilds } from '../../engine/build/check-builds.ts';
import type { WantedBuild } from '../../engine/build/wanted-builds.ts';
import { namedBuilds, withChanges } from '../../engine/build/wanted-builds.ts';
import { loadStack } from '../../spec/load.ts';
import { type Context, EXIT } from '../command.ts';
import { printDiagnostics } from '../views/error.ts';
import type { BuildBody } from './request.ts';

/** Prints the builds as they would be asked for, as JSON. */
export function printBuilds({ out, err }: Context, body: BuildBody): number {
  const { diagnostics, builds } = buildsOf(body);
  printDiagnostics(err, diagnostics);
  out.write(`${JSON.stringify(builds, undefined, 2)}\n`);
  return EXIT.done;
}

/** Prints what is wrong with the Dockerfiles; status 1 with an error. */
export function printProblems({ out, err, format }: Context, body: BuildBody): number {
  const { diagnostics, builds } = buildsOf(body);
  const problems = checkBuilds(builds);
  if (format === 'json') out.write(`${JSON.stringify([...diagnostics, ...problems], undefined, 2)}\n`);
  else printDiagnostics(err, [...diagnostics, ...problems]);
  return problems.some(({ severity }) => severity === 'error') ? EXIT.failed : EXIT.done;
}

function buildsOf(
  body: BuildBody,
): Pick<ReturnType<typeof loadStack>, 'diagnostics'> & { builds: readonly WantedBuild[] } {
  const { stack, diagnostics } = loadStack(body.load);
  const named = namedBuilds(stack, { services: body.load.services, withDependencies: body.withDependencies });
  return { diagnostics, builds: named.map((wanted) => ({ ...wanted, build: withChanges(wanted.build, body) })) };
}
