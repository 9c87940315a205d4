import { type ContainerView, runningContainer } from '../engine/containers.ts';
import { type RunOptions, runOneOff } from '../engine/run.ts';
import { capabilities } from '../spec/normalize/limits.ts';
import { parsePublished, parseVolumes } from '../spec/one-off.ts';
import { containerPaths, type Paths } from '../store/paths.ts';
import { Body, parseLoad, parsePull, parseSelector, selectStack } from './requests.ts';
import type { Route } from './route.ts';
import type { RunResult } from './run-api.ts';
import { summarize } from './summary.ts';

/** Routes of commands that take part in a container's standard streams. */
export const RUN_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/run',
    summary: 'Make and start a container of a service beside its replicas',
    request: 'RunRequest',
    response: 'RunResult',
    stream: async ({ engine, body }, reporting): Promise<RunResult> => {
      const view = await runOneOff(engine, runOptions(new Body(body)), reporting);
      return streamsOf(engine.machine.paths, view);
    },
  },
  {
    method: 'POST',
    path: '/v1/attach',
    summary: "How to take part in a running container's standard streams",
    request: 'AttachRequest',
    response: 'RunResult',
    answer: ({ engine, body }): RunResult => {
      const request = new Body(body);
      const index = request.optionalNumber('index');
      const target = { service: request.text('service'), ...(index !== undefined && { index }) };
      const stack = selectStack(parseSelector(request.body('selector')));
      return streamsOf(engine.machine.paths, runningContainer(engine, stack, target));
    },
  },
];

function runOptions(request: Body): RunOptions {
  const load = parseLoad(request.body('load'));
  const name = request.optionalText('name');
  const user = request.optionalText('user');
  const workingDir = request.optionalText('workingDir');
  const client = request.optionalNumber('client');
  return {
    load,
    service: request.text('service'),
    remove: request.flag('remove'),
    command: request.texts('command'),
    environment: request.textMap('environment'),
    labels: request.textMap('labels'),
    tty: request.flag('tty'),
    stdinOpen: request.flag('stdinOpen'),
    servicePorts: request.flag('servicePorts'),
    ports: parsePublished(request.texts('publish')),
    mounts: parseVolumes(request.texts('volumes'), { directory: load.cwd, home: load.env['HOME'] ?? '/' }),
    noDeps: request.flag('noDeps'),
    pull: parsePull(request),
    build: request.flag('build'),
    useAliases: request.flag('useAliases'),
    capAdd: capabilities(request.texts('capAdd')),
    capDrop: capabilities(request.texts('capDrop')),
    ...(request.has('entrypoint') && { entrypoint: request.texts('entrypoint') }),
    ...(client !== undefined && { client }),
    ...(name !== undefined && { name }),
    ...(user !== undefined && { user }),
    ...(workingDir !== undefined && { workingDir }),
  };
}

function streamsOf(paths: Paths, view: ContainerView): RunResult {
  const { spec } = view.record;
  return {
    container: summarize(view),
    ...(spec.stdinOpen && { stdinPath: containerPaths(paths, spec.key).stdin }),
    tty: spec.tty,
    wholeLog: spec.logLimitBytes === undefined,
  };
}
