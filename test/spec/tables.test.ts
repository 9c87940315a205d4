import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { parseBytes } from '../../src/lib/parse-bytes.ts';
import { longVolume } from '../../src/spec/canonical/volumes.ts';
import { parseDotenv } from '../../src/spec/dotenv.ts';
import { formatDuration, parseDuration } from '../../src/spec/duration.ts';
import { parsePorts } from '../../src/spec/ports-text.ts';
import { normalizeProjectName } from '../../src/spec/project-name.ts';
import { shellWords } from '../../src/spec/shell-words.ts';
import { substitute } from '../../src/spec/template.ts';
import { parseVolume } from '../../src/spec/volume-text.ts';
import { loadText } from './load-text.ts';
import { missingShared, type TableCase, tableCases } from './shared.ts';

/** Runs every case of a table; `run` throws or returns undefined for an input that is refused. */
function table(name: string, differs: ReadonlySet<string>, run: (each: TableCase) => unknown): void {
  test(`every case of the table ${name} gives the expected value`, { skip: missingShared }, (context) => {
    const cases = tableCases(name);
    const wrong: string[] = [];
    for (const each of cases) {
      const got = attempt(() => run(each));
      const expected = each.error === true ? undefined : each.expect;
      if (!isDeepStrictEqual(plain(got), plain(expected))) {
        wrong.push(
          `${each.id}: ${JSON.stringify(each.input)} gave ${JSON.stringify(got)}, not ${JSON.stringify(expected)}`,
        );
      }
    }
    context.diagnostic(`${name}: ${cases.length - wrong.length} of ${cases.length}`);
    assert.deepEqual(
      wrong.filter((line) => !differs.has(line.split(':')[0] ?? '')),
      [],
    );
  });
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

const none: ReadonlySet<string> = new Set();

// Beyond what a number holds exactly; the reference overflows.
table('bytes', new Set(['bytes-0eaae343']), ({ input }) => parseBytes(input as string | number));

table('durations', none, ({ input }) => {
  const ns = typeof input === 'string' ? parseDuration(input) : undefined;
  return ns === undefined ? undefined : { canonical: formatDuration(ns), ns: Number(ns) };
});

table('command-words', none, ({ input }) => (Array.isArray(input) ? input : shellWords(String(input))?.words));

table('project-name', none, ({ input }) => normalizeProjectName(String(input)));

table('interpolation', none, ({ input, env = {} }) => substitute(String(input), (name) => env[name]).text);

table('dotenv', none, ({ input, env = {} }) => {
  const variables = new Map<string, string>();
  parseDotenv(String(input), variables, (name) => env[name]);
  return Object.fromEntries(variables);
});

// A container port 0 is no port.
table('ports-short', new Set(['ports-short-08a6ad81']), ({ input }) => {
  const parsed = parsePorts(String(input));
  if ('problem' in parsed) return undefined;
  return parsed.ports.map(({ hostIp, ...port }) => ({ ...port, mode: 'ingress', ...(hostIp && { host_ip: hostIp }) }));
});

// The target is cleaned later in both; an unknown mode is an error here.
table('volumes-short', none, ({ input }) => {
  const { volume } = parseVolume(String(input));
  return volume === undefined ? undefined : longVolume(volume);
});

table('cpus', none, ({ input }) => {
  const { model } = loadText(`services: {a: {image: i, cpus: ${JSON.stringify(input)}}}`);
  return (model as { services: { a: { cpus?: number } } }).services.a.cpus ?? 0;
});

// A name with a blank would write a second name into /etc/hosts.
table('extra-hosts', new Set(['extra-hosts-6b9f1d15']), ({ input }) => {
  const { model } = loadText(`services: {a: {image: i, extra_hosts: ${JSON.stringify(input)}}}`);
  return (model as { services: { a: { extra_hosts?: string[] } } }).services.a.extra_hosts ?? [];
});
