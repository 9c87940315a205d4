import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type StepInput, stepKey } from '../../src/build/cache-key.ts';
import { expandStep } from '../../src/build/dockerfile/expand.ts';
import { parseDockerfile } from '../../src/build/dockerfile/parse.ts';
import { StageScope } from '../../src/build/dockerfile/scope.ts';

function key(line: string, input: Partial<StepInput> = {}, given: readonly (readonly [string, string])[] = []): string {
  const [stage] = parseDockerfile(`FROM a\n${line}`, 'D').stages;
  const scope = new StageScope({
    given: new Map(given),
    globals: new Map(),
    environment: new Map(),
    escapeCharacter: '\\',
  });
  let step: StepInput['step'] | undefined;
  for (const instruction of stage.instructions) {
    ({ step } = expandStep(instruction, scope));
    if (step.type === 'arg') scope.declare(step);
  }
  assert.ok(step !== undefined);
  const environment = step.type === 'run' ? { environment: scope.runEnvironment().values } : {};
  return stepKey({ parent: 'p', step, ...environment, ...input });
}

test('stepKey() depends on all that the result depends on, and on nothing else', () => {
  assert.equal(key('RUN a'), key('\n\n  run   a'), 'not on the place, nor on how it is written');
  assert.notEqual(key('RUN a'), key('RUN b'));
  assert.notEqual(key('RUN a'), key('RUN a', { parent: 'q' }));
  assert.notEqual(key('RUN a'), key('RUN --network=none a'));
  assert.notEqual(key('RUN a'), key('RUN a', { mounts: ['k'] }));
  assert.notEqual(key('RUN a'), key('RUN a', { state: { user: 'x' } }));
  assert.notEqual(
    key('ARG X\nRUN a', {}, [['X', '1']]),
    key('ARG X\nRUN a', {}, [['X', '2']]),
    'RUN reads every argument',
  );
  assert.equal(
    key('ARG X\nUSER a', {}, [['X', '1']]),
    key('ARG X\nUSER a', {}, [['X', '2']]),
    'others read what they name',
  );
  assert.notEqual(key('ARG X\nUSER $X', {}, [['X', '1']]), key('ARG X\nUSER $X', {}, [['X', '2']]));
  assert.equal(key('RUN a', {}, [['HTTP_PROXY', '1']]), key('RUN a', {}, [['HTTP_PROXY', '2']]), 'not on proxies');
  const files = [
    { to: 'a', digest: '1' },
    { to: 'b', digest: '2' },
  ];
  assert.equal(
    key('COPY a b /', { files }),
    key('COPY . /', { files: files.toReversed() }),
    'files count, not their names',
  );
  assert.notEqual(key('COPY a b /', { files }), key('COPY a b /', { files: files.slice(1) }));
  assert.notEqual(key('COPY a /', { files }), key('COPY --link a /', { files }));
});
