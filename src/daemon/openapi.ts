import type { OpenApiDocument } from './api.ts';
import type { Route } from './route.ts';
import { VERSION } from './version.ts';

/** OpenAPI 3.1 description of the routes, made from the table that serves them. */
export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([a-z]+)/g, '{$1}');
    const operations = paths[path] ?? {};
    operations[route.method.toLowerCase()] = operation(route);
    paths[path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tsstack',
      version: VERSION,
      description:
        'The engine of one machine, on a unix socket. The shapes are documented in the api.ts files of src/daemon.',
    },
    servers: [{ url: 'http://localhost', description: 'unix socket /run/tsstack/daemon.sock' }],
    paths,
  };
}

function operation(route: Route): unknown {
  const parameters = [
    ...[...route.path.matchAll(/:([a-z]+)/g)].map(([, name]) => parameter(name, 'path', 'string')),
    ...Object.entries(route.query ?? {}).map(([name, type]) => parameter(name, 'query', type)),
  ];
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[^a-z]+([a-z])/g, (_all, letter: string) => letter.toUpperCase())}`,
    summary: route.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(route.request !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { type: 'object', title: route.request } } },
      },
    }),
    responses: {
      200: success(route),
      default: {
        description: 'ErrorReport',
        content: { 'application/json': { schema: { type: 'object', title: 'ErrorReport' } } },
      },
    },
  };
}

function parameter(name: string | undefined, place: 'path' | 'query', type: string): unknown {
  return { name, in: place, required: place === 'path', schema: { type } };
}

function success(route: Route): unknown {
  if ('answer' in route) return described(route.response, 'application/json', route.response);
  if ('follow' in route) return described(`${route.response} a line`, 'application/x-ndjson', route.response);
  const description = `ProgressEvent a line; the last one carries ${route.response}`;
  return described(description, 'application/x-ndjson', 'ProgressEvent');
}

function described(description: string, mediaType: string, title: string): unknown {
  return { description, content: { [mediaType]: { schema: { title } } } };
}
