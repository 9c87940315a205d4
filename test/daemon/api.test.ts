import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { openApiDocument } from '../../src/daemon/openapi.ts';
import type { Route } from '../../src/daemon/route.ts';
import { ROUTES } from '../../src/daemon/routes.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCUMENT = openApiDocument(ROUTES);
const inBraces = (path: string): string => path.replace(/:([a-z]+)/g, '{$1}');

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: unknown;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly title: string } }>>;
  };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: object }>>;
}

function operationOf(method: string, path: string): Operation {
  const operation = DOCUMENT.paths[inBraces(path)]?.[method.toLowerCase()];
  assert.ok(operation, `${method} ${path} is in the document`);
  return operation as Operation;
}

function queryOf({ query = {} }: Route): unknown {
  return Object.fromEntries(Object.entries(query).map(([name, type]) => [name, { type }]));
}

test('every route names types that the api.ts files of src/daemon export', () => {
  const files = readdirSync(`${ROOT}/src/daemon`).filter((name) => /(^|-)api\.ts$/.test(name));
  const source = files.map((name) => readFileSync(`${ROOT}/src/daemon/${name}`, 'utf8')).join('\n');
  const exported = new Set([
    ...[...source.matchAll(/^export (?:interface|type) ([A-Za-z]+)/gm)].map(([, name]) => name),
    ...[...source.matchAll(/^export type \{ ([A-Za-z, ]+) \}/gm)].flatMap(([, names = '']) => names.split(', ')),
  ]);
  assert.ok(exported.size > 10);
  for (const { path, request, response } of ROUTES) {
    for (const name of [request, response]) {
      assert.ok(name === undefined || exported.has(name.replace(/\[\]$/, '')), `${path}: ${name}`);
    }
  }
});

test('the OpenAPI document has every route once, with its request, its parameters and its answers', () => {
  const ids = new Set<string>();
  for (const route of ROUTES) {
    const operation = operationOf(route.method, route.path);
    ids.add(operation.operationId);
    assert.match(operation.operationId, /^[a-zA-Z0-9]+$/);
    assert.equal(operation.summary, route.summary);
    assert.equal(operation.requestBody?.content['application/json']?.schema.title, route.request);
    assert.equal(operation.requestBody === undefined, route.method === 'GET');
    const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path' && each.required);
    assert.deepEqual(
      inPath.map(({ name }) => `{${name}}`),
      [...inBraces(route.path).matchAll(/\{[a-z]+\}/g)].map(([name]) => name),
    );
    const inQuery = (operation.parameters ?? []).filter((each) => each.in === 'query' && !each.required);
    assert.deepEqual(Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema])), queryOf(route));
    const type = 'answer' in route ? 'application/json' : 'application/x-ndjson';
    assert.deepEqual(Object.keys(operation.responses['200']?.content ?? {}), [type]);
    assert.ok(operation.responses['default']?.description);
  }
  assert.equal(ids.size, ROUTES.length, 'operation ids are unique');
  assert.equal(Object.values(DOCUMENT.paths).flatMap((methods) => Object.keys(methods)).length, ROUTES.length);
});

test('the OpenAPI document has what version 3.1 asks for', () => {
  assert.equal(DOCUMENT.openapi, '3.1.0');
  assert.ok(DOCUMENT.info.title && DOCUMENT.info.version);
  assert.ok(Object.keys(DOCUMENT.paths).every((path) => path.startsWith('/v1/')));
  assert.deepEqual(JSON.parse(JSON.stringify(DOCUMENT)), DOCUMENT, 'it is plain JSON');
});

test('docs/api.md has a row for every route, with its types, and none for another', () => {
  const page = readFileSync(`${ROOT}/docs/api.md`, 'utf8');
  const rows = [...page.matchAll(/^\| `(GET|POST) (\/v1\/[^`]+)` *\|([^|]*)\|([^|]*)\|/gm)].map(
    ([, method, path, request = '', answer = '']) => ({ route: `${method} ${path}`, request, answer }),
  );
  assert.deepEqual(
    rows.map(({ route }) => route).sort(),
    ROUTES.map(({ method, path }) => `${method} ${inBraces(path)}`).sort(),
  );
  for (const { method, path, request, response } of ROUTES) {
    const row = rows.find(({ route }) => route === `${method} ${inBraces(path)}`);
    assert.ok(row?.answer.includes(`\`${response}\``), `${path}: ${response}`);
    assert.ok(request === undefined || row?.request.includes(`\`${request}\``), `${path}: ${request}`);
  }
});
