import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz.ts';
import { missingShared } from './shared.ts';

/** `FUZZ_INPUTS=1000000 FUZZ_SEED=2 node --test test/spec/mutations.test.ts` for more. */
const inputs = Number(process.env['FUZZ_INPUTS'] ?? 2_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101);

test('a damaged stack either loads or gives diagnostics that point into the file and make sense', {
  skip: missingShared,
}, (context) => {
  const { loaded, refused, slowestMs } = fuzz(inputs, seed, (done) => {
    if (done > 0) console.log(`${done} inputs`);
  });
  context.diagnostic(
    `damaged stacks: ${loaded} loaded, ${refused} refused, the slowest in ${Math.round(slowestMs)} ms`,
  );
  assert.ok(loaded > inputs / 20 && refused > inputs / 20, 'the damage is neither nothing nor everything');
});
