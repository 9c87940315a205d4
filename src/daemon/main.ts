import { enableCompileCache } from 'node:module';

// Compiled code of a checkout is kept beside its packages; where that is not writable Node goes on without it.
enableCompileCache(`${import.meta.dirname}/../node_modules/.cache/tsstack`);

try {
  const { runDaemon } = await import('./daemon.ts');
  await runDaemon(process.env);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
