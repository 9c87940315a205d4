import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
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
    ...CJS,
    entryPoints: { main: 'src/main.ts' },
    plugins: [apart({ filter: /\/cli\/cli\.ts$/, name: 'cli', modules: [] })],
  });
  await build({ ...SHARED, ...CJS, ...WRAPPED, entryPoints: { cli: 'src/cli/cli.ts' }, plugins: PARTS.map(apart) });
  for (const part of PARTS) await buildPart(part);
  const daemon = 'src/daemon/main.ts';
  if (existsSync(daemon)) await build({ ...SHARED, ...MODULE, entryPoints: { daemon, 'tar-thread-main': TAR_THREAD } });
  const serve = 'src/serve/main.ts';
  // Given to Node on its standard input: one file that asks for no other.
  if (existsSync(serve)) await build({ ...SHARED, ...CJS, minifyIdentifiers: false, entryPoints: { serve } });
  const outside = 'src/outside/main.ts';
  if (existsSync(outside)) await build({ ...SHARED, ...CJS, minifyIdentifiers: false, entryPoints: { outside } });
  mkdirSync('dist/generated');
  copyFileSync('src/spec/generated/stack-validator.js', 'dist/generated/stack-validator.js');
  runScript('scripts/train.ts', { flags: clientFlags(), stdout: 'ignore' });
}

/** What the daemon runs in a thread of its own. */
const TAR_THREAD = 'src/image/layer/tar-thread-main.ts';

interface Part {
  /** Import specifiers that mean it. */
  readonly filter: RegExp;
  /** Name of its own file. */
  readonly name: string;
  /** What it exports, all in one. */
  readonly modules: readonly string[];
  /** Files that have it in them, and so import nothing of it from there. */
  readonly inside?: RegExp;
}

/**
 * What only some commands use: reading what is not called costs a millisecond for every 60 KB. What tells objects of a
 * class from others (`instanceof`) is in one part only.
 */
const PARTS: readonly Part[] = [
  { filter: /^listr2$/, name: 'listr2', modules: ['listr2'] },
  { filter: /^chokidar$/, name: 'chokidar', modules: ['chokidar'] },
  {
    filter: /\/engine\/build\/check-builds\.ts$/,
    name: 'dockerfile',
    modules: ['./src/engine/build/check-builds.ts'],
  },
  { filter: /\/model\/error\.ts$/, name: 'error', modules: ['./src/model/error.ts'] },
  {
    filter: /\/spec\/[a-z/-]+\.ts$/,
    name: 'spec',
    modules: [
      'load',
      'read',
      'written',
      'explain/explain',
      'diagnose',
      'printable',
      'project',
      'one-off',
      'shell-words',
    ].map((name) => `./src/spec/${name}.ts`),
    inside: /\/src\/spec\//,
  },
];

async function buildPart(part: Part): Promise<void> {
  const contents = part.modules.map((name) => `export * from '${name}';\n`).join('');
  await build({
    ...SHARED,
    ...WRAPPED,
    outfile: `dist/${part.name}.cjs`,
    stdin: { contents, resolveDir: '.' },
    plugins: PARTS.filter((other) => other !== part).map(apart),
  });
}

const SHARED: BuildOptions = {
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

const CJS: BuildOptions = { outdir: 'dist', outExtension: { '.js': '.cjs' } };

/** As `Bundles` (src/cli/bundles.ts) runs them. */
const WRAPPED: BuildOptions = {
  banner: { js: '(function (exports, require, module, place) {"use strict"; const { __filename, __dirname } = place;' },
  footer: { js: '})' },
};

const MODULE: BuildOptions = {
  outdir: 'dist',
  format: 'esm',
  // What the daemon loads later is a file of its own.
  splitting: true,
  chunkNames: 'daemon-[name]-[hash]',
  supported: {},
  define: {},
  // Packages in CommonJS form ask for Node's own modules by require().
  banner: { js: "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);" },
};

function apart({ filter, name, inside }: Part): Plugin {
  return {
    name: `${name} apart`,
    setup: (plugin) =>
      plugin.onResolve({ filter }, ({ kind, importer }) =>
        kind === 'entry-point' || inside?.test(importer) === true
          ? undefined
          : { path: `./${name}.cjs`, external: true },
      ),
  };
}

interface RunOptions {
  readonly flags?: readonly string[];
  readonly stdout?: 'inherit' | 'ignore';
}

function runScript(script: string, { flags = [], stdout = 'inherit' }: RunOptions = {}): void {
  if (!existsSync(script)) return;
  const { status, error } = spawnSync(process.execPath, [...flags, script], { stdio: ['ignore', stdout, 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** V8 takes bytecode only from a process with the same flags. */
function clientFlags(): readonly string[] {
  const [, flags] = /^flags='(.*)'$/m.exec(readFileSync('bin/tsstack', 'utf8')) ?? [];
  if (flags === undefined) throw new Error("bin/tsstack has no line flags='…'");
  return flags.split(' ');
}

await main();
