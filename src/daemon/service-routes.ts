import { listContainers } from '../engine/containers.ts';
import { type CopyTarget, holdCopyTargets } from '../engine/copy.ts';
import { explainLaunches } from '../engine/explain.ts';
import { listImages } from '../engine/images.ts';
import { inspect } from '../engine/inspect.ts';
import { kill } from '../engine/kill.ts';
import { pause, unpause } from '../engine/pause.ts';
import { remove } from '../engine/remove.ts';
import { top } from '../engine/top.ts';
import { reportError } from '../model/error.ts';
import type { Affected, ContainerDetail, ContainerImage, ContainerProcesses, LaunchExplanation } from './api.ts';
import { Body, parseSelector, selectStack } from './requests.ts';
import type { Route } from './route.ts';
import type { CopyAnswer, CopyContainer } from './run-api.ts';
import { summarize } from './summary.ts';

/** Routes of commands on services that run. */
export const SERVICE_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/kill',
    summary: 'Send a signal to running containers',
    request: 'KillRequest',
    response: 'Affected',
    answer: async ({ engine, body }): Promise<Affected> => {
      const request = new Body(body);
      const { stack, services } = target(request);
      const signal = request.optionalText('signal');
      const index = request.optionalNumber('index');
      const dryRun = request.flag('dryRun');
      const chosen = { ...(signal !== undefined && { signal }), ...(index !== undefined && { index }) };
      return { containers: await kill(engine, stack, { services, dryRun, ...chosen }) };
    },
  },
  {
    method: 'POST',
    path: '/v1/inspect',
    summary: 'All that is known of containers, and the commands that show their kernel objects',
    request: 'ContainersRequest',
    response: 'ContainerDetail[]',
    answer: ({ engine, body }): readonly ContainerDetail[] => {
      const { stack, services } = target(new Body(body));
      return listContainers(engine, stack, services).map((view) => ({ ...summarize(view), ...inspect(engine, view) }));
    },
  },
  {
    method: 'POST',
    path: '/v1/images',
    summary: 'The images that containers are made from',
    request: 'ContainersRequest',
    response: 'ContainerImage[]',
    answer: async ({ engine, body }): Promise<readonly ContainerImage[]> => {
      const { stack, services } = target(new Body(body));
      return await listImages(engine, stack, services);
    },
  },
  {
    method: 'POST',
    path: '/v1/top',
    summary: 'The processes of containers',
    request: 'TopRequest',
    response: 'ContainerProcesses[]',
    answer: async ({ engine, body }): Promise<readonly ContainerProcesses[]> => {
      const { stack, services } = target(new Body(body));
      return await top(engine, stack, services);
    },
  },
  {
    method: 'POST',
    path: '/v1/explain',
    summary: 'How containers are started: the system calls of their launchers, in order',
    request: 'ContainersRequest',
    response: 'LaunchExplanation[]',
    answer: async ({ engine, body }): Promise<readonly LaunchExplanation[]> => {
      const { stack, services } = target(new Body(body));
      return await explainLaunches(engine, stack, services);
    },
  },
  {
    method: 'POST',
    path: '/v1/rm',
    summary: 'Remove containers that do not run',
    request: 'RemoveRequest',
    response: 'Nothing',
    stream: async ({ engine, body }, reporting) => {
      const request = new Body(body);
      const { stack, services } = target(request);
      const options = {
        services,
        stop: request.flag('stop'),
        removeVolumes: request.flag('removeVolumes'),
        whenEnded: request.flag('whenEnded'),
      };
      await remove(engine, stack, options, reporting);
      return {};
    },
  },
  {
    method: 'POST',
    path: '/v1/copy',
    summary: 'Where the files of containers are to be seen; those that do not run are not started while this is open',
    request: 'CopyRequest',
    response: 'CopyAnswer',
    follow: ({ engine, body }, send) => {
      const request = new Body(body);
      const index = request.optionalNumber('index');
      const options = {
        service: request.text('service'),
        all: request.flag('all'),
        first: request.flag('first'),
        ...(index !== undefined && { index }),
      };
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const answer = (item: CopyAnswer): void => send(item);
      const ready = (targets: readonly CopyTarget[]): void => answer({ containers: targets.map(copyContainer) });
      const stack = selectStack(parseSelector(request.body('selector')));
      holdCopyTargets(engine, stack, options, { ready, closed }).catch((error: unknown) =>
        answer({ error: reportError(error) }),
      );
      return resolve;
    },
  },
  pauseRoute('pause', 'Freeze the processes of running containers', pause),
  pauseRoute('unpause', 'Let the processes of paused containers go on', unpause),
];

function pauseRoute(name: string, summary: string, action: typeof pause): Route {
  return {
    method: 'POST',
    path: `/v1/${name}`,
    summary,
    request: 'PauseRequest',
    response: 'Affected',
    answer: async ({ engine, body }): Promise<Affected> => {
      const request = new Body(body);
      const { stack, services } = target(request);
      return { containers: await action(engine, stack, services, request.flag('dryRun')) };
    },
  };
}

function copyContainer({ name, idBase, mounts, root }: CopyTarget): CopyContainer {
  if ('pid' in root) return { name, idBase, mounts, process: root };
  const { argv, launcher, listing } = root.view;
  return { name, idBase, mounts, view: { argv, listing, launcherBase64: Buffer.from(launcher).toString('base64') } };
}

/** The stack and the services that a request names. */
function target(request: Body): { readonly stack: string; readonly services: readonly string[] } {
  return { stack: selectStack(parseSelector(request.body('selector'))), services: request.texts('services') };
}
