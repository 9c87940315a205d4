/**
 * Every change to the machine is one of these, as data, before it is done: interpreted by `RealHost`, recorded by
 * `RecordingHost` in tests, printed as a shell script by `plan --script`. Each is idempotent: done twice is done once.
 */
export type HostOp =
  /** Make a directory and its parents. `mode` (default 0o755) applies to what is made. */
  | { readonly op: 'mkdir'; readonly path: string; readonly mode?: number }
  /** Write a whole file: temporary name, rename. `mode` default 0o644; `owner`: else whoever writes. */
  | {
      readonly op: 'write-file';
      readonly path: string;
      readonly data: string | Uint8Array;
      readonly mode?: number;
      readonly owner?: Owner;
      /** Keep the inode of a file that is there: it is mounted somewhere. Then a crash may leave half of it. */
      readonly inPlace?: true;
    }
  /**
   * Write a secret to `path`, two levels below `root`: a tmpfs of our own, which is mounted if it is not there, so that
   * it is never on a disk. A script does not hold the data: it stops where nobody has put the secret there. `name`: what
   * it then calls it.
   */
  | {
      readonly op: 'write-secret';
      readonly name: string;
      readonly root: string;
      readonly path: string;
      readonly data: Uint8Array;
      readonly mode: number;
      readonly owner: Owner;
      readonly inPlace?: true;
    }
  /** Remove a directory of secrets and, when it was the last, `root` and what is mounted there. Absent is fine. */
  | { readonly op: 'remove-secrets'; readonly root: string; readonly directory: string }
  /**
   * Write an existing file in place, keeping its inode: kernel files (cgroup, /proc/sys) and files that are bind mounted.
   * `tolerateAbsent`: nothing is to do on a kernel that lacks the file.
   */
  | { readonly op: 'write-in-place'; readonly path: string; readonly data: string; readonly tolerateAbsent?: true }
  /** Remove a file or a tree. Absent is fine. Never follows a link, never crosses onto another file system. */
  | { readonly op: 'remove'; readonly path: string }
  /**
   * Remove an empty directory. Absent is fine. `tree`: directories in it first, deepest first (a cgroup: the files in it
   * are the kernel's and go with it). `tolerateNonEmpty`: leave one alone that something else is in (ENOTEMPTY, EBUSY).
   */
  | { readonly op: 'rmdir'; readonly path: string; readonly tree?: true; readonly tolerateNonEmpty?: true }
  /**
   * One line of `ip -batch` (iproute2), words without shell quoting, without the leading `ip`. Lines of steps that run
   * at the same time share one process. `netns`: run inside that named namespace.
   */
  | {
      readonly op: 'ip';
      readonly args: readonly string[];
      readonly netns?: string;
      /** An outcome that counts as done: the thing is there already, or is gone already. */
      readonly tolerate?: 'exists' | 'absent';
      /**
       * Where the thing is there already it is another's remains: this line deletes it, and what follows each other in
       * one namespace is done again from its start.
       */
      readonly evict?: readonly string[];
    }
  /**
   * One line of `tc -batch` (iproute2): queueing disciplines and filters. Lines of steps that run at the same time share
   * one process. `tolerate: 'absent'`: gone already counts as done.
   */
  | { readonly op: 'tc'; readonly args: readonly string[]; readonly tolerate?: 'absent' }
  /**
   * Commands for `nft -f`, one transaction with what other steps send at the same time. `tolerate: 'absent'`: nothing is
   * to do where the tables that it speaks of are not there.
   */
  | { readonly op: 'nft'; readonly script: string; readonly tolerate?: 'absent' }
  /** Run a program to its end; a non-zero status is an error that shows argv, status and standard error. */
  | {
      readonly op: 'run';
      readonly argv: readonly string[];
      readonly stdin?: string;
      /** Default 30 s. */
      readonly timeoutMs?: number;
    }
  /**
   * Start a container's launch script, detached. Done when its program has been executed; an error, with what the
   * launcher said, when it could not be.
   */
  | { readonly op: 'launch'; readonly script: string; readonly timeoutMs: number }
  /** Copy a file to a path below a container's root, following no link in there; without `source`: remove it. */
  | { readonly op: 'copy-into'; readonly root: string; readonly target: string; readonly source?: string }
  /** Send a signal to a process that still is the one meant (same start time). Gone is fine. */
  | { readonly op: 'kill'; readonly pid: number; readonly startTime: string; readonly signal: number };

/** Ids as the host knows them. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}
