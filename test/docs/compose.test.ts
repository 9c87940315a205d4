import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { Reason, UnsupportedKey } from '../../src/spec/normalize/unsupported-key.ts';
import { unsupportedKeys } from '../../src/spec/normalize/unsupported-keys.ts';
import { problemsOf } from '../spec/load-text.ts';
import { attributesOf, type JsonSchema } from '../spec/schema-paths.ts';
import { missingShared, sharedPath } from '../spec/shared.ts';

const root = resolve(import.meta.dirname, '../..');
const schema: JsonSchema = JSON.parse(readFileSync(`${root}/schema/stack.schema.json`, 'utf8'));

interface Row {
  readonly meaning: string;
  readonly status: string;
}

/** Rows of docs/compose.md by attribute, as `attributesOf()` writes it; a row may be about several. */
function rowsOf(page: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const section of page.split('\n## ').slice(1)) {
    const prefix = /^Below `([^`]*)`/m.exec(section)?.[1];
    for (const [, names = '', meaning = '', status = ''] of section.matchAll(
      /^\| (`[^|]*`) +\| (.*?) +\| (.*?) +\|$/gm,
    )) {
      for (const name of [...names.matchAll(/`([^`]*)`/g)].flatMap(([, each = '']) => expanded(each))) {
        const path = `${prefix === undefined ? '' : `${prefix}.`}${name}`.replaceAll('[]', '.*');
        assert.ok(!rows.has(path), `${path} has two rows`);
        rows.set(path, { meaning, status });
      }
    }
  }
  return rows;
}

/** `a{b,c}d`: `abd`, `acd`. */
function expanded(name: string): string[] {
  const [, before = '', choices, after = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(name) ?? [];
  if (choices === undefined) return [name];
  return choices.split(',').flatMap((choice) => expanded(`${before}${choice}${after}`));
}

const rows = rowsOf(readFileSync(`${root}/docs/compose.md`, 'utf8'));

const statuses: Readonly<Record<Reason, RegExp>> = {
  later: /^parsed, warned about: not yet$/,
  windows: /^never: Windows/,
  swarm: /^never: a cluster \(Swarm\)/,
  desktop: /^never: file sharing on macOS/,
};

/** Sections that have an effect by the services that use them only, which are warned about. */
const byService = ['models'];
/** Partly done, and said by the plan or not at all: docs/compose.md tells why at each. */
const notWarned = ['services.*.image', 'networks.*.driver', 'networks.*.ipam.config'];
/** Options of an action or a type that is warned about. */
const byValue = ['services.*.develop.watch.*.exec'];

test('docs/compose.md has a row for every attribute of the schema, and none for another', () => {
  const attributes = [...attributesOf(schema).keys()];
  assert.ok(attributes.length > 300, `${attributes.length} attributes`);
  assert.deepEqual([...rows.keys()].sort(), attributes.sort());
});

test('docs/compose.md has a row for every attribute of the Compose specification', { skip: missingShared }, () => {
  const theirs = JSON.parse(readFileSync(sharedPath('compose/compose-spec.json'), 'utf8'));
  assert.deepEqual(
    [...attributesOf(theirs).keys()].filter((path) => !rows.has(path)),
    [],
  );
});

test('every row says what becomes of the attribute, and its status in known words', () => {
  const known =
    /^(yes|partly: .{5,}|parsed, warned about: (not yet|obsolete)|not yet: refused with an error|never: .{5,})$/;
  const bad = [...rows].filter(([, { meaning, status }]) => meaning.length < 5 || !known.test(status));
  assert.deepEqual(bad, []);
});

test('what is warned about has that status, and what is not has another', () => {
  const wrong: string[] = [];
  for (const [path, { status }] of rows) {
    if (path === 'version' || status.startsWith('not yet: refused')) continue;
    const expected = statusOf(path);
    if (!expected.test(status)) wrong.push(`${path} is "${status}", but should be ${expected}`);
  }
  assert.deepEqual(wrong, []);
});

function statusOf(path: string): RegExp {
  const always = ruleOf(path);
  if (always !== undefined) return statuses[always.reason];
  if (byService.some((section) => below(path, section)) || byValue.some((each) => below(path, each))) {
    return statuses.later;
  }
  if (notWarned.includes(path)) return /^partly: /;
  const inside = unsupportedKeys.filter((rule) => below(rule.path, path));
  const own = inside.filter((rule) => rule.path === path || rule.path === `${path}.*`);
  if (own.some(({ when }) => when !== undefined)) return /^(partly: |parsed, warned about: )/;
  // Nothing is wrong with a mapping of which parts are warned about.
  return inside.length > 0 ? /^(yes$|partly: )/ : /^yes$/;
}

/** The warning that every use of an attribute gives, be it its own or that of a key above. */
function ruleOf(path: string): UnsupportedKey | undefined {
  return unsupportedKeys.find((rule) => isWhole(rule) && below(path, rule.path));
}

function isWhole({ when, path }: UnsupportedKey): boolean {
  return when === undefined && !path.endsWith('.*');
}

function below(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}.`);
}

test('docs/compose.md calls refused what is refused, and nothing else', () => {
  const refused = [...rows].filter(([, { status }]) => status.startsWith('not yet: refused')).map(([path]) => path);
  const files: Readonly<Record<string, string>> = {
    include: 'include: [x.yaml]\nservices: {}',
    'services.*.extends.file': 'services: {a: {extends: {file: x.yaml, service: b}}}',
  };
  for (const [path, text] of Object.entries(files)) {
    const codes = problemsOf(text).map(({ code }) => code);
    assert.equal(codes.includes('unsupported.key'), refused.includes(path), `${path}: ${codes.join(', ')}`);
  }
  const others = refused.filter((path) => !Object.keys(files).some((each) => below(path, each)));
  assert.deepEqual(others, []);
});
