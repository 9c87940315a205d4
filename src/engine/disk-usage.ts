import type { Host } from '../host/host.ts';

/** Millions of files on a slow disk. */
const TIMEOUT_MS = 120_000;

/** What directories take on their disk together, in bytes; undefined: none of them can be read. */
export async function diskUsage(host: Host, directories: readonly string[]): Promise<number | undefined> {
  const argv = ['du', '--summarize', '--total', '--one-file-system', '--block-size=1', '--', ...directories];
  // Files that go while it counts are no failure.
  const { stdout } = await host.run(argv, { timeoutMs: TIMEOUT_MS, allowFailure: true });
  const total = /^(\d+)\ttotal$/m.exec(stdout)?.[1];
  return total === undefined || !/^\d+\t(?!total$)/m.test(stdout) ? undefined : Number(total);
}
