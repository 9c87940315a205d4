import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { InvalidStackError } from '../../src/model/error.ts';
import { loadText } from './load-text.ts';
import { attributesOf, followed, type JsonSchema } from './schema-paths.ts';

const schema: JsonSchema = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../schema/stack.schema.json'), 'utf8'),
);

/** Resolved while loading: their effect is in other attributes. The reference's JSON has no models and no x- keys. */
const resolved = /^(version|include|models|services\.\*\.(extends|env_file|label_file|x-.*|networks\.\*\.x-.*))($|\.)/;
/** Attributes that mean nothing without others. */
const beside: Readonly<Record<string, object>> = {
  'services.*.volumes.*.bind': { type: 'bind', source: '.', target: '/x' },
  'services.*.volumes.*': { type: 'volume', source: 'data', target: '/x' },
  'services.*.volumes.*.consistency': { type: 'bind', source: '.', target: '/x' },
  'services.*.develop.watch.*': { path: '.', action: 'sync', target: '/x' },
  'services.*.configs.*': { source: 'site' },
  'services.*.secrets.*': { source: 'db_password' },
  'services.*.ports.*': { target: 80 },
  'services.*.build.secrets.*': { source: 'npm_token' },
  'configs.*.driver': { external: true },
};
/** Of a secret or a config, one at a time. */
const sources = ['file', 'environment', 'content'];
/** Names of the user's choice. */
const names: Readonly<Record<string, string>> = {
  services: 'web',
  networks: 'back',
  volumes: 'data',
  configs: 'site',
  secrets: 'db_password',
  models: 'llm',
  depends_on: 'db',
  ulimits: 'nofile',
};

const attributes = [...attributesOf(schema)].filter(([path]) => !resolved.test(path) && path.includes('.'));

test('what an attribute says is in the canonical model: none is dropped on the way', () => {
  const dropped: string[] = [];
  for (const [path, node] of attributes) {
    const values = samplesOf(node);
    if (values.length > 0 && !values.some((value) => survives(path, value))) dropped.push(path);
  }
  assert.ok(attributes.length > 280, `${attributes.length} attributes`);
  assert.deepEqual(dropped, []);
});

/** Its examples, and the other words of a switch. */
function samplesOf({ examples = [], type, enum: words = [] }: JsonSchema): readonly unknown[] {
  return [...examples, ...words, ...([type].flat().includes('boolean') ? [true, false] : [])];
}

function survives(path: string, value: unknown): boolean {
  const steps = path.split('.');
  const file = surroundings();
  put(value, file, { node: schema, done: [], left: steps });
  for (const service of Object.values(file['services'] ?? {}) as Record<string, unknown>[]) {
    if (!['image', 'build', 'provider', 'entrypoint'].some((key) => key in service)) service['command'] ??= 'x';
  }
  try {
    return isAt(loadText(JSON.stringify(file), { profiles: ['*'] }).model, steps);
  } catch (error) {
    if (!(error instanceof InvalidStackError)) throw error;
    return false;
  }
}

/** What examples name. */
function surroundings(): Record<string, Record<string, unknown>> {
  return {
    services: { db: { healthcheck: { test: 'true' } }, data: {}, vpn: {}, 'legacy-db': {} },
    networks: {
      front: {},
      back: { enable_ipv6: true, ipam: { config: [{ subnet: '10.5.0.0/24' }, { subnet: 'fd00:5::/64' }] } },
    },
    volumes: { data: {} },
    configs: { site: { content: 'x' } },
    secrets: { site: { environment: 'X' }, db_password: { environment: 'X' }, npm_token: { environment: 'X' } },
    models: { llm: { model: 'x' } },
  };
}

/** A place on the way to an attribute. */
interface Spot {
  readonly node: JsonSchema;
  /** Steps of the attribute's path that led here, and those that lead on. */
  readonly done: readonly string[];
  readonly left: readonly string[];
}

/** Puts a value where an attribute stands, with all that must stand beside it. */
function put(value: unknown, into: unknown, { node, done, left }: Spot): void {
  const [step = '', ...rest] = left;
  const here = followed(node, schema);
  const holder = into as Record<string, unknown>;
  if (step !== '*') complete(holder, here, [...done, step]);
  const key = step !== '*' ? step : Array.isArray(into) ? '0' : (names[done.at(-1) ?? ''] ?? 'any');
  if (rest.length === 0) {
    holder[key] = value;
    return;
  }
  const next = childOf(here, step, rest[0]);
  const isList = rest[0] === '*' && childIsItem(followed(next, schema), rest[1]);
  if (typeof holder[key] !== 'object' || Array.isArray(holder[key]) !== isList) holder[key] = isList ? [{}] : {};
  put(value, holder[key], { node: next, done: [...done, step], left: rest });
}

/** Gives a mapping what must stand beside one of its attributes. */
function complete(holder: Record<string, unknown>, node: JsonSchema, path: readonly string[]): void {
  const above = path.slice(0, -1).join('.');
  const step = path.at(-1) ?? '';
  Object.assign(holder, above.endsWith('*') ? beside[above] : {}, beside[path.join('.')], requiredOf(node, step));
  if (!sources.includes(step) || !/^(secrets|configs)\.\*$/.test(above)) return;
  for (const each of sources) delete holder[each];
}

function requiredOf({ required = [], properties = {} }: JsonSchema, step: string): object {
  const others = required.filter((key) => key !== step);
  return Object.fromEntries(others.map((key) => [key, samplesOf(properties[key] ?? {})[0]]));
}

function childOf(node: JsonSchema, step: string, next: string | undefined): JsonSchema {
  if (step !== '*') return node.properties?.[step] ?? {};
  if (childIsItem(node, next)) return node.items ?? {};
  return typeof node.additionalProperties === 'object'
    ? node.additionalProperties
    : (Object.entries(node.patternProperties ?? {}).find(([pattern]) => pattern !== '^x-')?.[1] ?? {});
}

/** Of a list or a mapping: whether the items are what has that key. */
function childIsItem({ items }: JsonSchema, key: string | undefined): boolean {
  return items !== undefined && key !== undefined && followed(items, schema).properties?.[key] !== undefined;
}

/** The reference writes some keys with a capital. */
function isAt(value: unknown, steps: readonly string[]): boolean {
  if (value === undefined) return false;
  const [step, ...rest] = steps;
  if (step === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (step === '*') return Object.values(value).some((each) => isAt(each, rest));
  const fields = new Map(Object.entries(value));
  return isAt(fields.get(step) ?? fields.get(`${step[0]?.toUpperCase()}${step.slice(1)}`), rest);
}
