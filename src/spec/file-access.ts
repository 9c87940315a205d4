import type { Diagnostics } from './diagnose.ts';
import type { Entry, SpecNode } from './node.ts';
import type { Origin, Scope } from './source.ts';

/** A file that only serves to extend services of others: of it, just these are looked at. */
export interface ExtendedFile {
  readonly path: string;
  /** As written. */
  readonly tree: SpecNode;
  readonly scope: Scope;
  /** Checked services, filled in as they are asked for. */
  readonly services: Map<string, Entry | undefined>;
}

/** How `include` and `extends` come to other files. */
export interface FileAccess {
  readonly diagnostics: Diagnostics;
  /** Variables have not been filled in. */
  readonly raw: boolean;
  /** A file could not be read: any name may have been declared in it. */
  unread: boolean;
  /** Some file has a scope of its own. */
  scoped: boolean;
  /** The tree of one file as written; undefined when there is none. `named`: where the file is named, if in a file. */
  read(file: string, scope: Scope, named?: Origin): SpecNode | undefined;
  /** The trees of the files of one project or `include` as one; `chain` are the files that led here, by path. */
  assemble(trees: readonly SpecNode[], scope: Scope, chain: readonly string[]): SpecNode | undefined;
  /** A file that `extends` names, read once; undefined when it cannot be read. */
  extended(file: string, scope: Scope, named: Origin): ExtendedFile | undefined;
}
