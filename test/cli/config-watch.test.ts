import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../helpers/run.ts';
import { startCli, withFiles } from './run-cli.ts';

interface Watching {
  readonly directory: string;
  /** What was printed to standard output so far, in lines. */
  readonly lines: () => readonly string[];
  /** Writes a file of the directory. */
  readonly write: (name: string, text: string) => void;
  /** Waits for a result, after those that a call of it has given, that satisfies `wanted`. */
  readonly next: (what: string, wanted: (result: Result) => boolean) => Promise<Result>;
  /** Sends a signal and gives the exit status. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

interface Result {
  readonly ok: boolean;
  readonly diagnostics: readonly { readonly code: string; readonly message: string }[];
  readonly error?: { readonly code: string };
}

const GOOD = 'services:\n  web:\n    image: a\n';
const BAD = 'services:\n  web:\n    imgae: a\n';
const isOk = ({ ok }: Result): boolean => ok;
const isBroken = ({ ok }: Result): boolean => !ok;
const hasWarning = ({ ok, diagnostics }: Result): boolean => ok && diagnostics.length > 0;

/** Runs `config --watch` over these files until `use` has ended. */
function watching(
  files: Readonly<Record<string, string>>,
  argv: readonly string[],
  use: (watching: Watching) => Promise<void>,
): Promise<void> {
  return withFiles(files, async (directory) => {
    const child = startCli(directory, [...argv, 'config', '--watch']);
    let stdout = '';
    let stderr = '';
    let given = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const lines = (): readonly string[] => stdout.split('\n').slice(0, -1);
    const next: Watching['next'] = (what, wanted) =>
      until(
        what,
        () => {
          const results = lines().map((line): Result => JSON.parse(line));
          const index = results.findIndex((result, at) => at >= given && wanted(result));
          if (index !== -1) given = index + 1;
          return results[index];
        },
        20_000,
      ).catch((error: unknown) => assert.fail(`${error}; so far: ${stdout}${stderr}`));
    const end = (signal: NodeJS.Signals): Promise<number | null> => {
      child.kill(signal);
      return ended;
    };
    const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
    try {
      await use({ directory, lines, write, next, end });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });
}

describe('config --watch', () => {
  it('checks at once and after every change, one JSON object a line, and ends with 0 at Ctrl-C', () =>
    watching({ 'stack.yaml': GOOD }, ['--json'], async ({ lines, write, next, end }) => {
      assert.deepEqual(await next('the first check', isOk), { ok: true, diagnostics: [] });
      write('stack.yaml', BAD);
      const { diagnostics } = await next('the error', isBroken);
      assert.equal(diagnostics[0]?.code, 'schema.unknown-key');
      write('stack.yaml', GOOD);
      await next('the end of the error', isOk);
      assert.equal(await end('SIGINT'), 0);
      for (const line of lines()) assert.equal(typeof JSON.parse(line).ok, 'boolean');
    }));

  it('survives that the file vanishes and comes back, again and again, also as editors save', () =>
    watching({ 'stack.yaml': GOOD }, ['--json'], async ({ directory, write, next, end }) => {
      await next('the first check', isOk);
      const file = join(directory, 'stack.yaml');
      for (let round = 0; round < 3; round += 1) {
        unlinkSync(file);
        const { error, diagnostics } = await next(`loss ${round}`, isBroken);
        assert.deepEqual([error?.code, diagnostics], ['no-stack-file', []]);
        write('.env', `A=${round}\n`);
        await next(`a change while it is lost ${round}`, isBroken);
        write('stack.yaml', GOOD);
        await next(`return ${round}`, isOk);
        write('.stack.yaml.swp', BAD);
        renameSync(join(directory, '.stack.yaml.swp'), file);
        await next(`replacement ${round}`, isBroken);
        write('new', GOOD);
        renameSync(file, `${file}~`);
        renameSync(join(directory, 'new'), file);
        await next(`replacement with a backup ${round}`, isOk);
      }
      assert.equal(await end('SIGTERM'), 0);
    }));

  it('begins with a stack that does not load', () =>
    watching({ 'stack.yaml': 'services: [' }, ['--json'], async ({ write, next }) => {
      await next('the first check', isBroken);
      write('stack.yaml', GOOD);
      await next('the mended file', isOk);
    }));

  it('sees files that come later: .env, an override file, and what the stack comes to name', () =>
    watching({ 'compose.yaml': 'services: {web: {command: "echo $TAG"}}' }, ['--json'], async ({ write, next }) => {
      await next('a warning that TAG is not set', hasWarning);
      write('.env', 'TAG=1\n');
      await next('.env', (result) => result.ok && result.diagnostics.length === 0);
      write('compose.override.yaml', BAD);
      await next('the override file', isBroken);
      write('compose.override.yaml', 'services: {web: {env_file: web.env}}');
      const { diagnostics } = await next(
        'a missing env_file',
        ({ diagnostics: [first] }) => first?.code === 'path.missing',
      );
      assert.match(diagnostics[0]?.message ?? '', /web\.env/);
      write('web.env', 'A=1\n');
      await next('the env_file', isOk);
    }));

  it('sees every -f and --env-file, wherever it is', () =>
    watching(
      { 'a/one.yaml': GOOD, 'b/two.yaml': 'services: {web: {command: "echo $X"}}', 'c/vars': 'X=1\n' },
      ['--json', '-f', 'a/one.yaml', '-f', 'b/two.yaml', '--env-file', 'c/vars'],
      async ({ directory, write, next }) => {
        await next('the first check', isOk);
        write('b/two.yaml', BAD);
        await next('the second file', isBroken);
        write('b/two.yaml', 'services: {web: {command: "echo $X"}}');
        await next('the second file mended', isOk);
        write('c/vars', 'Y=1\n');
        await next('the variables', hasWarning);
        rmSync(join(directory, 'b'), { recursive: true });
        await next('a directory that is gone', isBroken);
        mkdirSync(join(directory, 'b'));
        write('b/two.yaml', 'services: {web: {command: "echo"}}');
        await next('a directory that is back', isOk);
      },
    ));

  it('prints for people what config prints, and a line with the time and the numbers', () =>
    watching({ 'stack.yaml': GOOD.replace('image: a', 'image: a$A') }, [], async ({ lines, write }) => {
      const summary = (pattern: RegExp): Promise<string> =>
        until(`${pattern}`, () => lines().find((line) => pattern.test(line)), 20_000);
      await summary(/^\d\d:\d\d:\d\d ok: 1 service, 1 warning$/);
      assert.match(lines()[0] ?? '', /stack\.yaml:3:13: warning: /);
      write('stack.yaml', BAD);
      await summary(/^\d\d:\d\d:\d\d failed: 1 error, 0 warnings$/);
      assert.match(lines().join('\n'), /stack\.yaml:3:5: error: [\s\S]*\^{5}/);
    }));

  it('ends with 2 when there is no stack file to begin with', () =>
    withFiles({}, async (directory) => {
      const child = startCli(directory, ['config', '--watch']);
      assert.equal(await new Promise((resolve) => child.once('close', resolve)), 2);
    }));
});
