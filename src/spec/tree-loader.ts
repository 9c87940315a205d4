import { checkPartialShape } from './check-shape.ts';
import type { Diagnostics } from './diagnose.ts';
import { applyExtends, usesExtends } from './extends.ts';
import type { ExtendedFile, FileAccess } from './file-access.ts';
import { applyIncludes, usesInclude } from './include.ts';
import { interpolate } from './interpolate.ts';
import { mergeFiles } from './merge.ts';
import { entryOf, type SpecNode } from './node.ts';
import { parseYaml } from './parse.ts';
import { decodeText, type ReadResult, readWithin } from './read.ts';
import { settle } from './settle.ts';
import { type Origin, originOf, type Scope, type Source } from './source.ts';
import type { Lookup } from './template.ts';

/** A stack beyond this many services is refused before any work is done on it. */
const mostServices = 10_000;
/** Files that one stack may be made of, `include` and `extends` counted each time. */
const mostFiles = 1_000;

export interface LoaderInput {
  readonly diagnostics: Diagnostics;
  /** Text of `-f -`. */
  readonly stdin: string;
  /** Variables stay as they are, but in `include`, and no shape is checked. */
  readonly raw: boolean;
}

/**
 * Reads stack files and makes one tree of them: variables filled in, `include` and `extends` followed, laid over one
 * another. Whatever is wrong goes to the diagnostics.
 */
export class TreeLoader implements FileAccess {
  readonly diagnostics: Diagnostics;
  readonly #stdin: string;
  readonly raw: boolean;
  /** By what variables mean in them, then by path. */
  readonly #extended = new Map<Lookup, Map<string, ExtendedFile | undefined>>();
  #files = 0;
  /** A text has no meaning, or holds more than is worked on: nothing of the whole can be said. */
  broken = false;
  unread = false;
  scoped = false;

  constructor(input: LoaderInput) {
    this.diagnostics = input.diagnostics;
    this.#stdin = input.stdin;
    this.raw = input.raw;
  }

  read(file: string, scope: Scope, named?: Origin): SpecNode | undefined {
    if (this.#files >= mostFiles) {
      this.#limit(`the stack is made of more than ${mostFiles} files`, named);
      return undefined;
    }
    this.#files += 1;
    const path = fileName(file);
    const read: ReadResult =
      file === '-' ? decodeText(Buffer.from(this.#stdin), path) : readWithin(this.diagnostics, file);
    const text = 'text' in read ? read.text : (read.problem.before ?? '');
    const source: Source = { path, text, index: this.#files - 1, scope };
    if ('problem' in read) {
      const { code, message, before } = read.problem;
      const origin = before === undefined ? named : { source, start: text.length, end: text.length };
      this.diagnostics.add({ code, message, origin: origin && originOf(origin) });
      if (code === 'limit' || code.startsWith('yaml.')) this.broken = true;
      else this.unread = true;
      return undefined;
    }
    const tree = parseYaml(source, this.diagnostics);
    if (tree === undefined || (tree !== 'broken' && isEmpty(tree))) return undefined;
    if (tree !== 'broken' && !this.#isTooLarge(tree)) return tree;
    this.broken = true;
    return undefined;
  }

  assemble(trees: readonly SpecNode[], scope: Scope, chain: readonly string[]): SpecNode | undefined {
    const checked = this.raw ? trees : this.#checked(trees, scope);
    // Includes first: what they bring can be extended.
    const complete = checked.map((tree) =>
      applyExtends(applyIncludes(tree, { loader: this, scope, chain }), { loader: this }),
    );
    const [base, ...overs] = complete;
    if (base === undefined) return undefined;
    const settled = settle(base);
    this.diagnostics.trail?.laid(settled, { over: base, rule: 'merge' });
    return overs.reduce((below, over) => mergeFiles(below, over, this.diagnostics), settled);
  }

  extended(file: string, scope: Scope, named: Origin): ExtendedFile | undefined {
    const files = this.#extended.get(scope.lookup) ?? new Map<string, ExtendedFile | undefined>();
    this.#extended.set(scope.lookup, files);
    if (!files.has(file)) {
      this.scoped = true;
      const tree = this.read(file, scope, named);
      files.set(file, tree && { path: file, tree, scope, services: new Map() });
    }
    return files.get(file);
  }

  #checked(trees: readonly SpecNode[], { lookup }: Scope): readonly SpecNode[] {
    const filled = trees.flatMap((tree) => interpolate(tree, lookup, this.diagnostics) ?? []);
    // Where there is only one there is nothing to check twice.
    const alone = filled.length === 1 && !filled.some((tree) => usesExtends(tree) || usesInclude(tree));
    return alone ? filled : filled.flatMap((tree) => checkPartialShape(tree, this.diagnostics) ?? []);
  }

  #isTooLarge(tree: SpecNode): boolean {
    const services = entryOf(tree, 'services');
    if (services?.node.kind !== 'map' || services.node.entries.size <= mostServices) return false;
    this.#limit(`the stack has ${services.node.entries.size} services: the limit is ${mostServices}`, services);
    return true;
  }

  #limit(message: string, origin: Origin | undefined): void {
    this.diagnostics.add({ code: 'limit', message, origin: origin && originOf(origin) });
    this.broken = true;
  }
}

export function fileName(file: string): string {
  return file === '-' ? '<stdin>' : file;
}

function isEmpty(tree: SpecNode): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}
