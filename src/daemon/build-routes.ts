import { buildStack } from '../engine/build/build-stack.ts';
import { loadStack } from '../spec/load.ts';
import type { BuildResult } from './image-api.ts';
import { Body, parseLoad } from './requests.ts';
import type { Route } from './route.ts';

/** Routes about building images. */
export const BUILD_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/build',
    summary: 'Build the images of a stack',
    request: 'BuildRequest',
    response: 'BuildResult',
    endsWithClient: true,
    stream: ({ engine, body }, reporting): Promise<BuildResult> => {
      const request = new Body(body);
      const load = parseLoad(request.body('load'));
      const { stack, diagnostics } = loadStack(load);
      reporting.progress({ type: 'diagnostics', diagnostics });
      const target = request.optionalText('target');
      const options = {
        services: load.services,
        withDependencies: request.flag('withDependencies'),
        noCache: request.flag('noCache'),
        pull: request.flag('pull'),
        args: request.textMap('args'),
        ssh: request.textMap('ssh'),
        keepFailed: request.flag('keepFailed'),
        push: request.flag('push'),
        env: load.env,
        ...(target !== undefined && { target }),
      };
      return buildStack(engine, stack, options, reporting);
    },
  },
];
