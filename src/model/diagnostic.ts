/** A place in a text file. Lines and columns count from 1, columns in UTF-16 code units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Length of the part of the token on its first line, in code units, at least 1. */
  readonly length: number;
  /** Where the token ends, blanks after it left out: the column is that of the first code unit behind it. */
  readonly end: { readonly line: number; readonly column: number };
}
export type Severity = 'error' | 'warning';

/** One problem of a stack file. All problems are collected and shown at once, in file order. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable dotted code, documented in docs/errors.md, for example `schema.unknown-key`. */
  readonly code: string;
  readonly message: string;
  /** What to write or do instead. */
  readonly hint?: string;
  /** Absent when the problem has no place in a file (a bad flag, an empty directory). */
  readonly position?: Position;
  /** The marked line with one line of context and a caret, ready to print; made by the loader. */
  readonly excerpt?: string;
}
