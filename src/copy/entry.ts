import type { Xattrs } from './xattrs.ts';

/** One thing on its way. */
export interface Entry {
  /** Components below the destination, byte strings, none of them empty, `.` or `..`. */
  readonly path: readonly string[];
  readonly type: 'file' | 'directory' | 'symlink' | 'link';
  /** Permissions, set-id and sticky bits. */
  readonly mode: number;
  /** As its own side sees it: of a container, its ids and not the host's. */
  readonly uid: number;
  readonly gid: number;
  /** Seconds, with a fraction. */
  readonly mtime: number;
  /** Of a file, in bytes. */
  readonly size: number;
  /** Of a symlink, what it says; of a hard link, the components of the other name. A byte string. */
  readonly linkName: string;
  /** Of a file or directory, as its own side sees them; what of them is kept is the sink's to say. */
  readonly xattrs: Xattrs;
  /** Which file of this machine it is, as `identityOf()` says; absent: of none. */
  readonly identity?: string;
}

/** A run of a file's data. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Takes what is copied, parents before children. */
export interface Sink {
  /** `data`: of a file, in ascending order; where there is none, zeros are meant. */
  put(entry: Entry, data: AsyncIterable<Piece>): Promise<void>;
  /** Whether a directory is one that this sink has made: source and destination may be the same directory by a mount. */
  hasMade(identity: string): boolean;
  /** Everything has been put. */
  end(): Promise<void>;
}

/** Told what is left out, in words. */
export type Notice = (text: string) => void;
