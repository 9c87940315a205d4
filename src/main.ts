import { Bundles } from './cli/bundles.ts';

type Cli = typeof import('./cli/cli.ts');

/** What a daemon is started from lies beside this file: the bundle, or the source. */
const bundled = !import.meta.filename.endsWith('.ts');
const bundles = new Bundles(import.meta.dirname);
const cli = bundled ? Promise.resolve(bundles.load('cli.cjs') as Cli) : import('./cli/cli.ts');

cli.then(async ({ runCli }) => {
  const daemon = `${import.meta.dirname}/${bundled ? 'daemon.js' : 'daemon/main.ts'}`;
  // Not by itself: giving back every page of the heap takes 1.5 ms.
  process.exit(await runCli(process.argv.slice(2), daemon));
});
