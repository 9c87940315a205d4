import { dueImages } from '../engine/build/provide-images.ts';
import { execIn, listContainers } from '../engine/containers.ts';
import { down } from '../engine/down.ts';
import { type LifecycleOptions, restart, start, stop } from '../engine/lifecycle.ts';
import { makeUpPlan, type UpPlanOptions } from '../engine/plan.ts';
import type { Reporting } from '../engine/reporting.ts';
import { planScript } from '../engine/script.ts';
import { listStacks } from '../engine/stacks.ts';
import { up } from '../engine/up.ts';
import { checkWishes, jobsOf, orphanWishes, unattachedServices } from '../engine/up-request.ts';
import { watchStack } from '../engine/watch.ts';
import { TsstackError } from '../model/error.ts';
import { loadStack } from '../spec/load.ts';
import type { CancelRequest, LifecycleRequest, Nothing, PlanResponse, UpResult, VersionResponse } from './api.ts';
import { BUILD_ROUTES } from './build-routes.ts';
import { followEvents, timeOf } from './events.ts';
import { IMAGE_ROUTES } from './image-routes.ts';
import { NET_ROUTES } from './net-routes.ts';
import { NETWORK_ROUTES } from './network-routes.ts';
import { OCI_ROUTES } from './oci-routes.ts';
import { openApiDocument } from './openapi.ts';
import { REGISTRY_ROUTES } from './registry-routes.ts';
import { Body, parseBuildWish, parseLoad, parsePull, parseSelector, selectStack, stackName } from './requests.ts';
import type { Route } from './route.ts';
import type { ExecResponse } from './run-api.ts';
import { RUN_ROUTES } from './run-routes.ts';
import { SERVICE_ROUTES } from './service-routes.ts';
import { summarize } from './summary.ts';
import { VERSION } from './version.ts';
import { VOLUME_ROUTES } from './volume-routes.ts';

/** Every route of the API; `openapi.ts` describes the same table. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/version',
    summary: 'Version of the daemon',
    response: 'VersionResponse',
    answer: (): VersionResponse => ({ version: VERSION, apiVersion: 'v1', pid: process.pid, node: process.version }),
  },
  {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document',
    response: 'OpenApiDocument',
    answer: () => openApiDocument(ROUTES),
  },
  {
    method: 'GET',
    path: '/v1/stacks',
    summary: 'All stacks of this machine',
    response: 'StackSummary[]',
    answer: ({ engine }) => listStacks(engine),
  },
  {
    method: 'GET',
    path: '/v1/stacks/:stack/containers',
    summary: 'Containers of a stack',
    response: 'ContainerSummary[]',
    answer: ({ engine, parameters }) =>
      listContainers(engine, stackName(parameters['stack'] ?? ''), [], true).map((view) => summarize(view)),
  },
  {
    method: 'GET',
    path: '/v1/stacks/:stack/events',
    summary:
      'What happened to the containers of a stack since then (milliseconds since the epoch), and what happens now; before `until` alone, or without end',
    query: { since: 'number', until: 'number' },
    response: 'ContainerEvent',
    follow: ({ engine, parameters, query }, send, end) => {
      const stack = stackName(parameters['stack'] ?? '');
      return followEvents(
        engine,
        { stack, since: timeOf(query, 'since') ?? 0, until: timeOf(query, 'until') },
        send,
        end,
      );
    },
  },
  {
    method: 'POST',
    path: '/v1/containers',
    summary: 'Containers of a stack that is named by its files',
    request: 'ContainersRequest',
    response: 'ContainerSummary[]',
    answer: ({ engine, body }) => {
      const request = new Body(body);
      const stack = selectStack(parseSelector(request.body('selector')));
      const withHealth = request.flag('withHealth');
      const views = listContainers(engine, stack, request.texts('services'), request.flag('oneOffs'));
      return views.map((view) => summarize(view, { withHealth }));
    },
  },
  {
    method: 'POST',
    path: '/v1/plan',
    summary: 'What up would do, and why',
    request: 'PlanRequest',
    response: 'PlanResponse',
    answer: async ({ engine, body }): Promise<PlanResponse> => {
      const request = new Body(body);
      const options = upPlanOptions(request);
      const loaded = loadStack(options.load);
      const { stack, diagnostics } = loaded;
      const due = dueImages(engine, stack, { build: { wish: 'missing' } });
      const wanted = { ...options, ...orphanWishes(loaded, options.removeOrphans), ...due };
      const plan = await engine.planning.run('plan', () => makeUpPlan(engine, stack, wanted));
      return { plan, diagnostics, ...(request.flag('script') && { script: await planScript(engine, plan) }) };
    },
  },
  {
    method: 'POST',
    path: '/v1/exec',
    summary: 'How to run a command in a container; the client performs it',
    request: 'ExecRequest',
    response: 'ExecResponse',
    answer: async ({ engine, body }): Promise<ExecResponse> => {
      const request = new Body(body);
      const index = request.optionalNumber('index');
      const user = request.optionalText('user');
      const workingDir = request.optionalText('workingDir');
      const tty = request.flag('tty');
      const exec = await execIn(engine, selectStack(parseSelector(request.body('selector'))), {
        service: request.text('service'),
        command: request.texts('command'),
        environment: request.textMap('environment'),
        tty,
        privileged: request.flag('privileged'),
        ...(index !== undefined && { index }),
        ...(user !== undefined && { user }),
        ...(workingDir !== undefined && { workingDir }),
      });
      return {
        argv: exec.argv,
        listing: exec.listing,
        launcherBase64: Buffer.from(exec.launcher).toString('base64'),
        ...(tty && { ptmxPath: exec.ptmxPath }),
      };
    },
  },
  {
    method: 'POST',
    path: '/v1/cancel',
    summary: 'Stop what a request began; it undoes what it did',
    request: 'CancelRequest',
    response: 'Nothing',
    answer: ({ requests, body }): Nothing => {
      const { requestId }: CancelRequest = { requestId: new Body(body).text('requestId') };
      const request = requests.get(requestId);
      if (request === undefined) throw new TsstackError('not-found', `There is no request "${requestId}" under way`);
      request.abort();
      return {};
    },
  },
  {
    method: 'POST',
    path: '/v1/up',
    summary: 'Make the machine match the stack file',
    request: 'UpRequest',
    response: 'UpResult',
    stream: async ({ engine, body }, reporting): Promise<UpResult> => {
      const request = new Body(body);
      const options = upPlanOptions(request);
      const loaded = loadStack(options.load);
      const waitTimeoutMs = request.optionalNumber('waitTimeoutMs');
      const upOptions = {
        ...options,
        ...orphanWishes(loaded, options.removeOrphans),
        wait: request.flag('wait'),
        pull: parsePull(request),
        build: parseBuildWish(request),
        ...(waitTimeoutMs !== undefined && { waitTimeoutMs }),
      };
      checkWishes(loaded.stack, loaded, {
        follow: request.texts('follow'),
        removeOrphans: options.removeOrphans,
      });
      const done = await up(engine, loaded, upOptions, reporting);
      return { ...done, unattached: unattachedServices(loaded), jobs: jobsOf(loaded.stack) };
    },
  },
  {
    method: 'POST',
    path: '/v1/down',
    summary: 'Remove everything of a stack',
    request: 'DownRequest',
    response: 'DownResult',
    stream: async ({ engine, body }, reporting) => {
      const request = new Body(body);
      const stack = selectStack(parseSelector(request.body('selector')));
      const timeoutMs = request.optionalNumber('timeoutMs');
      const options = {
        removeVolumes: request.flag('removeVolumes'),
        services: request.texts('services'),
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      await down(engine, stack, options, reporting);
      engine.finished = reporting.dryRun !== true && engine.supervisor.active === 0;
      return { stack, ...(engine.finished && { endingDaemon: process.pid }) };
    },
  },
  {
    method: 'POST',
    path: '/v1/watch',
    summary:
      'Bring a stack up and keep it matched while files change, until the request is cancelled or its client goes',
    request: 'UpRequest',
    response: 'Nothing',
    endsWithClient: true,
    stream: async ({ engine, body }, reporting) => {
      await watchStack(engine, upPlanOptions(new Body(body)), reporting);
      return {};
    },
  },
  lifecycleRoute('start', 'Start stopped containers as they were made', start),
  lifecycleRoute('stop', 'Stop containers, dependents first', stop),
  lifecycleRoute('restart', 'Stop and start containers', restart),
  ...OCI_ROUTES,
  ...SERVICE_ROUTES,
  ...RUN_ROUTES,
  ...NET_ROUTES,
  ...VOLUME_ROUTES,
  ...NETWORK_ROUTES,
  ...IMAGE_ROUTES,
  ...REGISTRY_ROUTES,
  ...BUILD_ROUTES,
];

type Lifecycle = typeof start;

function lifecycleRoute(name: string, summary: string, action: Lifecycle): Route {
  return {
    method: 'POST',
    path: `/v1/${name}`,
    summary,
    request: 'LifecycleRequest' satisfies keyof { LifecycleRequest: LifecycleRequest },
    response: 'Nothing',
    stream: async ({ engine, body }, reporting: Reporting) => {
      const request = new Body(body);
      const timeoutMs = request.optionalNumber('timeoutMs');
      const waitTimeoutMs = request.optionalNumber('waitTimeoutMs');
      const options: LifecycleOptions = {
        services: request.texts('services'),
        noDeps: request.flag('noDeps'),
        wait: request.flag('wait'),
        ...(waitTimeoutMs !== undefined && { waitTimeoutMs }),
        ...(timeoutMs !== undefined && { timeoutMs }),
      };
      await action(engine, selectStack(parseSelector(request.body('selector'))), options, reporting);
      return {};
    },
  };
}

function upPlanOptions(request: Body): UpPlanOptions {
  const timeoutMs = request.optionalNumber('timeoutMs');
  const load = parseLoad(request.body('load'));
  return {
    load,
    allResources: load.allResources === true,
    recreateVolumes: request.flag('recreateVolumes'),
    forceRecreate: request.flag('forceRecreate'),
    noDeps: request.flag('noDeps'),
    removeOrphans: request.flag('removeOrphans'),
    noStart: request.flag('noStart'),
    renewAnonVolumes: request.flag('renewAnonVolumes'),
    noRecreate: request.flag('noRecreate'),
    recreateDeps: request.flag('recreateDeps'),
    runAgain: request.flag('runAgain'),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}
