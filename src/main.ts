import { enableCompileCache } from 'node:module';

// Compiled code of a checkout is kept beside its packages; where that is not writable Node goes on without it.
enableCompileCache(`${import.meta.dirname}/../node_modules/.cache/tsstack`);

const bundled = !import.meta.filename.endsWith('.ts');
const { runCli } = await import('./cli/cli.ts');
process.exitCode = await runCli(
  process.argv.slice(2),
  `${import.meta.dirname}/${bundled ? 'daemon.js' : 'daemon/main.ts'}`,
);
