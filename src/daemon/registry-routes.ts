import { pullImages, pullStack } from '../engine/pull.ts';
import { type BuildableService, pushImages, pushStack } from '../engine/push.ts';
import { loadStack } from '../spec/load.ts';
import type { LoginResult, LogoutResult, PulledImages, PushedImages } from './image-api.ts';
import { Body, parseLoad, parsePull } from './requests.ts';
import type { Route } from './route.ts';

/** Nobody waits longer for a registry to answer a log-in. */
const LOGIN_TIMEOUT_MS = 60_000;

/** Routes about registries. */
export const REGISTRY_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/pull',
    summary: 'Fetch the images of a stack from their registries',
    request: 'PullRequest',
    response: 'PulledImages',
    endsWithClient: true,
    stream: async ({ engine, body }, reporting): Promise<PulledImages> => {
      const request = new Body(body);
      const load = parseLoad(request.body('load'));
      const { stack, diagnostics, model } = loadStack(load);
      reporting.progress({ type: 'diagnostics', diagnostics });
      const services = model['services'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
      const buildable = Object.keys(services).filter((name) => (services[name]?.['build'] ?? null) !== null);
      const pulled = await pullStack(
        engine,
        stack,
        {
          services: load.services ?? [],
          without: request.flag('ignoreBuildable') ? buildable : [],
          includeDeps: request.flag('includeDeps'),
          ignoreFailures: request.flag('ignoreFailures'),
          wish: request.has('policy') ? parsePull(request, 'policy') : 'always',
          env: load.env,
        },
        reporting,
      );
      return { pulled };
    },
  },
  {
    method: 'POST',
    path: '/v1/store/pull',
    summary: 'Fetch images by their references',
    request: 'PullImagesRequest',
    response: 'PulledImages',
    endsWithClient: true,
    stream: async ({ engine, body }, reporting): Promise<PulledImages> => {
      const request = new Body(body);
      const platform = request.optionalText('platform');
      const pulled = request.texts('names');
      const images = pulled.map((reference) => ({ reference, ...(platform !== undefined && { platform }) }));
      await pullImages(engine, images, { env: request.textMap('env'), reporting });
      return { pulled };
    },
  },
  {
    method: 'POST',
    path: '/v1/store/push',
    summary: 'Send images to the registries that their names say',
    request: 'PushImagesRequest',
    response: 'PushedImages',
    endsWithClient: true,
    stream: async ({ engine, body }, reporting): Promise<PushedImages> => {
      const request = new Body(body);
      const context = { env: request.textMap('env'), reporting };
      return { pushed: await pushImages(engine, request.texts('names'), context) };
    },
  },
  {
    method: 'POST',
    path: '/v1/push',
    summary: 'Send the images that a stack builds to their registries',
    request: 'PushRequest',
    response: 'PushedImages',
    endsWithClient: true,
    stream: async ({ engine, body }, reporting): Promise<PushedImages> => {
      const request = new Body(body);
      const load = parseLoad(request.body('load'));
      const { diagnostics, model } = loadStack(load);
      reporting.progress({ type: 'diagnostics', diagnostics });
      const wanted = {
        services: model['services'] as Readonly<Record<string, BuildableService>>,
        named: load.services ?? [],
        includeDeps: request.flag('includeDeps'),
      };
      const ignoreFailures = request.flag('ignoreFailures');
      return { pushed: await pushStack(engine, wanted, { env: load.env, reporting, ignoreFailures }) };
    },
  },
  {
    method: 'POST',
    path: '/v1/login',
    summary: 'Try credentials with a registry and keep them where the user’s Docker configuration says',
    request: 'LoginRequest',
    response: 'LoginResult',
    answer: async ({ engine, body }): Promise<LoginResult> => {
      const request = new Body(body);
      const [username, password] = [request.text('username'), request.text('password')];
      const target = loginTarget(request);
      const { logIn } = await import('../image/registry/login.ts');
      return engine.whileBusy(async () => ({ place: await logIn(target, { type: 'password', username, password }) }));
    },
  },
  {
    method: 'POST',
    path: '/v1/logout',
    summary: 'Forget the credentials for a registry',
    request: 'LogoutRequest',
    response: 'LogoutResult',
    answer: async ({ engine, body }): Promise<LogoutResult> => {
      const target = loginTarget(new Body(body));
      const { logOut } = await import('../image/registry/login.ts');
      return engine.whileBusy(async () => ({ removed: await logOut(target) }));
    },
  },
];

function loginTarget(request: Body): { registry: string; env: Readonly<Record<string, string>>; signal: AbortSignal } {
  return {
    registry: request.text('registry'),
    env: request.textMap('env'),
    signal: AbortSignal.timeout(LOGIN_TIMEOUT_MS),
  };
}
