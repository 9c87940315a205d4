import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

interface Package {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: true;
  readonly optional?: true;
  readonly hasInstallScript?: true;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly link?: true;
}

const ROOT = resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(`${ROOT}/${name}`, 'utf8');
const LOCK = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Package>> };
const PACKAGES = Object.entries(LOCK.packages).filter(([path]) => path !== '');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** What may be shipped with, or used to develop, something under Apache-2.0. */
const LICENCES = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
];

test('every package comes from the registry, and is what the lock file has the hash of', () => {
  for (const [path, { resolved, integrity, optional, os, cpu, link }] of PACKAGES) {
    assert.equal(link, undefined, path);
    // None is fetched from elsewhere than the registry that npm is set to.
    assert.equal(resolved, undefined, path);
    // Those of other platforms are never fetched here.
    const elsewhere = optional === true && (os ?? cpu) !== undefined;
    if (integrity === undefined) assert.ok(elsewhere, `${path} has no integrity`);
    else assert.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/, path);
  }
});

test('only the packages that package.json names run scripts when they are installed', () => {
  const { allowScripts } = JSON.parse(read('package.json')) as {
    readonly allowScripts: Readonly<Record<string, true>>;
  };
  const run = PACKAGES.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
  assert.deepEqual(new Set(run), new Set(Object.keys(allowScripts)));
  assert.ok(
    PACKAGES.every(([, each]) => each.dev === true || each.hasInstallScript === undefined),
    'none that is shipped',
  );
});

test('licences are those that may be used', () => {
  for (const [path, { license, optional }] of PACKAGES) {
    if (license === undefined && optional === true) continue;
    const [first = '', ...more] = (license ?? 'none').split(/ (?:AND|OR) /);
    assert.ok(
      [first, ...more].every((each) => LICENCES.includes(each)),
      `${path}: ${license}`,
    );
  }
});

/** A new package in there is somebody's decision: this list changes in the same commit. */
test('what is shipped is what scripts/dependencies.txt lists', () => {
  const shipped = PACKAGES.filter(([, { dev }]) => dev !== true);
  const lines = shipped.map(([path, { version, license }]) => `${nameOf(path)} ${version} ${license}`).sort();
  assert.deepEqual(read('scripts/dependencies.txt').trimEnd().split('\n'), lines);
});
