import { dueImages } from '../engine/build/provide-images.ts';
import { ociSpec } from '../engine/oci-spec.ts';
import { loadStack } from '../spec/load.ts';
import type { OciSpecResponse } from './api.ts';
import { Body, parseLoad } from './requests.ts';
import type { Route } from './route.ts';

/** What OCI runtimes are told. */
export const OCI_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/oci-spec',
    summary: 'The config.json that an OCI runtime would start a container of a service with',
    request: 'OciSpecRequest',
    response: 'OciSpecResponse',
    answer: async ({ engine, body }): Promise<OciSpecResponse> => {
      const request = new Body(body);
      const load = parseLoad(request.body('load'));
      const { stack, diagnostics } = loadStack(load);
      const due = dueImages(engine, stack, { build: { wish: 'missing' } });
      const chosen = { service: request.text('service'), index: request.optionalNumber('index') ?? 1 };
      const wanted = { load, ...due, ...chosen };
      return { config: await engine.planning.run('plan', () => ociSpec(engine, stack, wanted)), diagnostics };
    },
  },
];
