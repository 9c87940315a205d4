/** What a start is made of. */
export interface Launch {
  /** Text of the launch script, run as `sh SCRIPT`. */
  readonly script: string;
  /** The generated ELF. */
  readonly launcher: Uint8Array;
  /** The generated ELF that opens the standard streams which something outside holds; absent: there are none. */
  readonly streams?: Uint8Array;
  /** The launcher's system calls in words, one a line, for `plan --script`, `explain` and golden tests. */
  readonly listing: string;
  /** Directories that must be there (overlay upper and work). */
  readonly directories: readonly string[];
  /** The bundle of an OCI runtime; absent: the launcher executes the program. */
  readonly bundle?: Bundle;
}

/** What must be there for an OCI runtime before the launch script is run. */
export interface Bundle {
  /** Made anew for each start: an earlier one may have left something. */
  readonly directory: string;
  readonly directories: readonly string[];
  readonly files: readonly { readonly path: string; readonly data: string | Uint8Array; readonly mode: number }[];
}
