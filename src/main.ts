import { enableCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';

// Compiled code of a checkout is kept beside its packages; where that is not writable Node goes on without it.
enableCompileCache(`${import.meta.dirname}/../node_modules/.cache/tsstack`);

/** What a daemon is started from: the bundle beside this one, or the source. */
const daemon = import.meta.filename.endsWith('.ts') ? 'daemon/main.ts' : 'daemon.js';

// The cache holds what was compiled when a file was loaded: with this flag every function, not just the outermost.
setFlagsFromString('--no-lazy');

import('./cli/cli.ts').then(async ({ runCli }) => {
  setFlagsFromString('--lazy');
  process.exitCode = await runCli(process.argv.slice(2), `${import.meta.dirname}/${daemon}`);
});
