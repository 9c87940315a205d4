import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

interface Bundle {
  readonly module: { exports: unknown };
  readonly script: Script;
}

/** What the text of a bundle is: an expression (scripts/build.ts). */
type Wrapper = (
  exports: unknown,
  require: (name: string) => unknown,
  module: Bundle['module'],
  place: { readonly __filename: string; readonly __dirname: string },
) => void;

/**
 * The bundles of a directory, run as CommonJS modules from bytecode that lies beside them. Node's own compile cache holds
 * what was compiled when a file was loaded; this one holds every function that the training at build time called, and
 * no other. Without it, or when V8 refuses it, the text is compiled: the same, 20 ms later.
 */
export class Bundles {
  readonly #directory: string;
  readonly #loaded = new Map<string, Bundle>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What a bundle exports; it is run when it is first asked for. */
  load(name: string): unknown {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known.module.exports;
    const file = `${this.#directory}/${name}`;
    // All of it is ASCII, and reading it as UTF-8 takes a millisecond.
    const text = readFileSync(file, 'latin1');
    const cache = cacheOf(file);
    const script = new Script(text, { filename: file, ...(existsSync(cache) && { cachedData: readFileSync(cache) }) });
    const module = { exports: {} };
    this.#loaded.set(name, { module, script });
    const require = createRequire(file);
    const local = (wanted: string): unknown => (wanted.startsWith('./') ? this.load(wanted.slice(2)) : require(wanted));
    (script.runInThisContext() as Wrapper)(module.exports, local, module, {
      __filename: file,
      __dirname: this.#directory,
    });
    return module.exports;
  }

  /** Writes the bytecode of all that has been called so far. */
  save(): void {
    for (const [name, { script }] of this.#loaded) {
      writeFileSync(cacheOf(`${this.#directory}/${name}`), script.createCachedData());
    }
  }
}

function cacheOf(file: string): string {
  return `${file}.bytecode`;
}
