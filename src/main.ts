import { enableCompileCache } from 'node:module';

// Compiled code of a checkout is kept beside its packages; where that is not writable Node goes on without it.
enableCompileCache(`${import.meta.dirname}/../node_modules/.cache/tsstack`);

/** What a daemon is started from: the bundle beside this one, or the source. */
const daemon = import.meta.filename.endsWith('.ts') ? 'daemon/main.ts' : 'daemon.js';

import('./cli/cli.ts').then(async ({ runCli }) => {
  process.exitCode = await runCli(process.argv.slice(2), `${import.meta.dirname}/${daemon}`);
});
