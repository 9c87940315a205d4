import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cli, withFiles } from './run-cli.ts';

describe('config --explain', () => {
  const files = {
    'stack.yaml': 'services:\n  web:\n    image: x\n    environment:\n      PORT: "80"\n',
    'stack.override.yaml':
      'services:\n  web:\n    environment:\n      PORT: ${PORT:-81}\n  dbg: {image: x, profiles: [tools]}\n',
    'sub/.keep': '',
    '.env': '\n\nPORT=8080\n',
  };
  const path = 'services.web.environment.PORT';

  it('prints the place, the text, the rule and the variable, files relative to the working directory', () =>
    withFiles(files, async (directory) => {
      const { stdout, stderr, status } = await cli(directory, ['config', '--explain', path]);
      const expected = [
        'services.web.environment.PORT = "8080"',
        '  stack.override.yaml:4:13  ${PORT:-81}            merge: over stack.yaml:5:13',
        '                            PORT=8080 from .env:3',
        '  stack.yaml:5:13           "80"',
        '',
      ];
      assert.deepEqual([stdout, stderr, status], [expected.join('\n'), '', 0]);
      const below = await cli(`${directory}/sub`, ['config', '--explain', path], { PORT: '' });
      assert.match(below.stdout, /^ {2}\.\.\/stack\.override\.yaml:4:13 .*\n +PORT is empty: its default\n/m);
    }));

  it('prints one line each for a mapping, and says of a service that it is off', () =>
    withFiles(files, async (directory) => {
      const { stdout } = await cli(directory, ['config', '--explain', 'services.dbg']);
      assert.match(stdout, /^service dbg is off: --profile tools enables it\nservices\.dbg\.image +"x" +stack\.over/);
      assert.match(stdout, /^services\.dbg\.command +null +default: the image decides$/m);
      const on = await cli(directory, ['--profile', 'tools', 'config', '--explain', 'services.dbg.image']);
      assert.match(on.stdout, /^service dbg is on by the profile tools: --profile\n/);
    }));

  it('prints JSON with positions', () =>
    withFiles(files, async (directory) => {
      const { stdout } = await cli(directory, ['config', '--explain', path, '--format', 'json']);
      const { value, values } = JSON.parse(stdout);
      assert.equal(value, '8080');
      const [{ rule, sources }] = values;
      assert.deepEqual([rule, sources.length, sources[0].over], ['written', 2, 'merge']);
      assert.deepEqual(sources[0].variables[0].position.line, 3);
      assert.equal(sources[1].position.file, `${directory}/stack.yaml`);
    }));

  it('ends with 2 and the nearest name for a path that is not there, with the problems for a stack that is wrong', () =>
    withFiles(files, async (directory) => {
      const gone = await cli(directory, ['config', '--explain', 'services.web.enviroment']);
      assert.deepEqual([gone.stdout, gone.status], ['', 2]);
      assert.match(gone.stderr, /services\.web has no "enviroment"\nhint: Did you mean "environment"\?/);
      writeFileSync(join(directory, 'bad.yaml'), 'services: {web: {image: x, prots: []}}');
      const bad = await cli(directory, ['-f', 'bad.yaml', 'config', '--explain', 'services.web.image']);
      assert.deepEqual([bad.stdout, bad.status], ['', 2]);
      assert.match(bad.stderr, /bad\.yaml:1:28: error: unknown key "prots"/);
    }));
});
