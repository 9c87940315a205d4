import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, withFiles } from './run-cli.ts';

describe('problems of config', () => {
  const broken = 'services:\n  web:\n    imgae: a\n    ports: ["${P}:1"]\n';

  it('are all one object on standard error in JSON, errors with status 2', () =>
    withFiles({ 'stack.yaml': broken }, async (directory) => {
      const { stdout, stderr, status } = await cli(directory, ['config', '--format', 'json']);
      assert.deepEqual([stdout, status], ['', 2]);
      const { code, message, diagnostics } = JSON.parse(stderr);
      assert.deepEqual([code, message], ['invalid-stack', '1 error in the stack file']);
      const error = diagnostics.find(({ severity }: { severity: string }) => severity === 'error');
      const { file, line, column, length } = error.position;
      assert.deepEqual([file, line, column, length], [join(directory, 'stack.yaml'), 3, 5, 5]);
      assert.equal(error.code, 'schema.unknown-key');
      assert.match(error.hint, /image/);
      assert.match(error.excerpt, /> 3 \| {5}imgae: a/);
    }));

  it('that are warnings are one object too, with status 0 and the result', () =>
    withFiles({ 'stack.yaml': broken.replace('imgae', 'image') }, async (directory) => {
      const { stdout, stderr, status } = await cli(directory, ['config', '--services', '--json']);
      assert.deepEqual([JSON.parse(stdout), status], [['web'], 0]);
      const report = JSON.parse(stderr);
      assert.deepEqual(Object.keys(report), ['diagnostics']);
      const [warning] = report.diagnostics;
      assert.deepEqual([warning.severity, warning.code, warning.position.line], ['warning', 'interp.unset', 4]);
    }));

  it('of the command line end with 2 and say which options do not fit', async () => {
    const cases: [string[], RegExp][] = [
      [['--services', '--images'], /config cannot do --services and --images at the same time/],
      [['--watch', '-o', 'x'], /config cannot do --watch and --output at the same time/],
      [['--schema', 'web'], /config --schema takes no services, got "web"/],
      [['--variables', 'web'], /config --variables takes no services, got "web"/],
      [['--service'], /Unknown option --service\nhint: Did you mean --services\?/],
      [['--watch', '-f', '-'], /config --watch cannot watch standard input/],
    ];
    await withFiles({ 'stack.yaml': 'services: {web: {image: x}}' }, async (directory) => {
      for (const [argv, message] of cases) {
        const { stdout, stderr, status } = await cli(directory, ['config', ...argv]);
        assert.deepEqual([stdout, status], ['', 2], argv.join(' '));
        assert.match(stderr, message);
      }
    });
  });
});
