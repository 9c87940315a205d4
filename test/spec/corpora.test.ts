import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, normalize } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { InvalidStackError } from '../../src/model/error.ts';
import { loadStack } from '../../src/spec/load.ts';
import { folders, missingShared } from './shared.ts';

interface Expectation {
  readonly args: {
    readonly files?: readonly string[];
    readonly profiles?: readonly string[];
    readonly services?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  };
  readonly config?: unknown;
  readonly error?: boolean;
  readonly message?: string;
}

/** Cases whose expectation is not followed, and why. */
const differing: Readonly<Record<string, string>> = {
  // A relative path starts at the project directory, which is that of the first file unless it is given.
  'testincluderelative-c84c18': 'the case was run with another project directory than it states',
  // Two services of one stack cannot both have the port: an error as early as possible.
  'devices-testdevicemapping-8e2b20': 'a device with permissions that are none',
  'sysctls-testsysctls-d4de3a': 'kernel parameters that there are not',
  'extends-docker-compose-129b07': 'publishes a host port three times',
};

for (const category of [
  'attr',
  'cli',
  'e2e',
  'extends',
  'include',
  'loader',
  'normalize',
  'override',
  'podman',
  'reset',
]) {
  corpus(category, ['compose/loader/cases', category]);
}
corpus('stacks', ['compose/stacks']);

function corpus(name: string, path: readonly string[]): void {
  test(`the corpus ${name} gives the canonical models that are expected`, { skip: missingShared }, (context) => {
    const cases = folders(...path);
    const wrong = cases.flatMap((folder) => {
      const why = runCase(folder);
      return why === undefined ? [] : [`${basename(folder)}: ${why}`];
    });
    context.diagnostic(`${name}: ${cases.length - wrong.length} of ${cases.length}`);
    assert.deepEqual(
      wrong.filter((line) => differing[line.split(':')[0] ?? ''] === undefined),
      [],
    );
  });
}

/** Why a case fails, or undefined. */
function runCase(folder: string): string | undefined {
  const expected: Expectation = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8'));
  const scratch = mkdtempSync(join(tmpdir(), 'corpus-'));
  const project = join(scratch, 'proj');
  try {
    cpSync(join(folder, 'proj'), project, { recursive: true, verbatimSymlinks: true });
    const { files = [], profiles = [], services = [], env = {} } = expected.args;
    const home = { HOME: '/home/user', ...env };
    const { model } = loadStack({ files, cwd: project, env: home, envFiles: [], profiles, services });
    if (expected.error === true) {
      // A service without an image runs on the host's programs.
      return expected.message?.includes('neither an image nor a build') ? undefined : `loads, but: ${expected.message}`;
    }
    const wanted = withProject(expected.config, project);
    return isDeepStrictEqual(comparable(wanted), comparable(JSON.parse(JSON.stringify(model)))) ? undefined : 'differs';
  } catch (error) {
    if (!(error instanceof InvalidStackError)) throw error;
    return expected.error === true ? undefined : error.diagnostics.map((each) => each.message).join('; ');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The expected model with the project's folder in place; `${DIR}/..` is the folder above it. */
function withProject(value: unknown, project: string): unknown {
  return JSON.parse(JSON.stringify(value), (_key, each: unknown) => {
    if (typeof each !== 'string' || !each.includes('${DIR}')) return each;
    const filled = each.replaceAll('${DIR}', project);
    return filled.startsWith(project) ? normalize(filled) : filled;
  });
}

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(entries.map(([key, each]) => [key, comparable(each)]));
}
