import type { TestEvent } from 'node:test/reporters';

/** `failed` is there, but @types/node leaves it out. */
type Counts = Extract<TestEvent, { type: 'test:summary' }>['data']['counts'] & { readonly failed: number };

/**
 * Reporter for `node --test`: nothing but one line at the end, `# totals PASSED FAILED SKIPPED`, after a line for every
 * skipped test with its reason. scripts/test.sh adds the lines of all runs up.
 */
// biome-ignore lint/style/noDefaultExport: the form that node --test reads
export default async function* totals(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:pass' && typeof event.data.skip === 'string') {
      yield `# skipped: ${event.data.name}: ${event.data.skip}\n`;
    }
    // The summary of one file carries its name; the one of the whole run does not.
    if (event.type === 'test:summary' && event.data.file === undefined) {
      const { passed, failed, cancelled, skipped, todo } = event.data.counts as Counts;
      yield `# totals ${passed} ${failed + cancelled} ${skipped + todo}\n`;
    }
  }
}
