import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

/** Bundles the client and the daemon into dist/, each command a chunk of its own, so that a command loads what it uses. */
async function main(): Promise<void> {
  process.chdir(`${import.meta.dirname}/..`);
  generateValidators();
  rmSync('dist', { recursive: true, force: true });
  const daemon = 'src/daemon/main.ts';
  await build({
    entryPoints: { main: 'src/main.ts', ...(existsSync(daemon) && { daemon }) },
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Its ES modules can be shaken; the form for Node is CommonJS, all of it or nothing.
    alias: { yaml: './node_modules/yaml/browser/index.js' },
    loader: { '.json': 'json' },
    // Names stay readable in a profile and in an error's cause; white space costs reading time at every start.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    // Packages in CommonJS form ask for Node's own modules by require().
    banner: { js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);" },
    logLevel: 'warning',
  });
}

function generateValidators(): void {
  const script = 'scripts/generate-validators.ts';
  if (!existsSync(script)) return;
  const { status, error } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

await main();
