import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * Bundles the client and the daemon into dist/. `main.cjs` loads `cli.cjs` from bytecode (src/cli/bundles.ts), which is made
 * at the end. That is CommonJS because a module in it is run (and what it requires of Node loaded) when a command first
 * asks for it; as ECMAScript modules, Node would load every built-in module at once, and every file of a split bundle
 * costs a millisecond.
 */
async function main(): Promise<void> {
  process.chdir(`${import.meta.dirname}/..`);
  runScript('scripts/generate-validators.ts');
  rmSync('dist', { recursive: true, force: true });
  await build({
    ...SHARED,
    entryPoints: { main: 'src/main.ts' },
    plugins: [apart({ filter: /\/cli\/cli\.ts$/, name: 'cli' })],
  });
  const lazy = LAZY.filter(({ entry }) => !entry.includes('/') || existsSync(entry));
  await build({ ...SHARED, entryPoints: { cli: 'src/cli/cli.ts' }, plugins: lazy.map(apart) });
  await build({ ...SHARED, entryPoints: Object.fromEntries(lazy.map(({ name, entry }) => [name, entry])) });
  const daemon = 'src/daemon/main.ts';
  if (existsSync(daemon)) await build({ ...SHARED, ...MODULE, entryPoints: { daemon } });
  runScript('scripts/train.ts', 'ignore');
}

interface Apart {
  /** Import specifiers that mean it. */
  readonly filter: RegExp;
  /** Name of its own file. */
  readonly name: string;
}

/** What is large and only a few commands use. Only what shares no class with the rest can stand apart. */
const LAZY: readonly (Apart & { readonly entry: string })[] = [
  { filter: /^listr2$/, name: 'listr2', entry: 'listr2' },
  { filter: /^chokidar$/, name: 'chokidar', entry: 'chokidar' },
  {
    filter: /\/generated\/stack-validator\.js$/,
    name: 'stack-validator',
    entry: 'src/spec/generated/stack-validator.js',
  },
];

const SHARED: BuildOptions = {
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  // A dynamic import of a part of the same file is a function call then.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  // Names stay readable in a profile; white space costs reading time at every start.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
};

const MODULE: BuildOptions = {
  outExtension: {},
  format: 'esm',
  supported: {},
  define: {},
  // Packages in CommonJS form ask for Node's own modules by require().
  banner: { js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);" },
};

function apart({ filter, name }: Apart): Plugin {
  return {
    name: `${name} apart`,
    setup: (plugin) =>
      plugin.onResolve({ filter }, ({ kind }) =>
        kind === 'entry-point' ? undefined : { path: `./${name}.cjs`, external: true },
      ),
  };
}

function runScript(script: string, stdout: 'inherit' | 'ignore' = 'inherit'): void {
  if (!existsSync(script)) return;
  const { status, error } = spawnSync(process.execPath, [script], { stdio: ['ignore', stdout, 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

await main();
