import type { ImageSource } from './image-source.ts';

export type Mount =
  | {
      readonly type: 'bind';
      /** Absolute host path. */
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** Make a missing source directory. */
      readonly createHostPath: boolean;
      /** What a changed content of the source does at the next `up`; absent or `ignore`: nothing. */
      readonly onChange?: OnChange;
      readonly propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
    }
  | {
      readonly type: 'volume';
      /** Key in `Stack.volumes`; absent: anonymous. */
      readonly source?: string;
      readonly target: string;
      readonly readOnly: boolean;
      readonly nocopy: boolean;
      readonly subpath?: string;
    }
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      readonly readOnly: boolean;
      readonly sizeBytes?: number;
      /** Permission bits, for example 0o1777. */
      readonly mode?: number;
      /** Further mount options of the short form (`uid=1000`, `exec`). */
      readonly options: readonly string[];
    }
  | {
      readonly type: 'image';
      readonly image: ImageSource;
      readonly target: string;
      readonly readOnly: true;
      /** Path inside the image that is mounted instead of its root. */
      readonly subpath?: string;
    };

/** A config or secret as a service wants it. */
export interface FileMount {
  readonly kind: 'config' | 'secret';
  /** Key in `Stack.configs` or `Stack.secrets`. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly target: string;
  /** Ids inside the container. */
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, for example 0o444. */
  readonly mode: number;
  /** What a changed content does at the next `up`; absent: replace. */
  readonly onChange?: OnChange;
}

/** `x-on-change`; the signal as `parseSignal()` takes it. */
export type OnChange = 'restart' | 'replace' | 'ignore' | `signal:${string}`;

/** Where the content of a config or secret comes from. */
export type FileSource = (
  | { readonly type: 'file' /** Absolute. */; readonly path: string }
  | { readonly type: 'content'; readonly content: string }
  /** `value`: what the variable was when the file was loaded; absent: not set. */
  | { readonly type: 'environment'; readonly variable: string; readonly value?: string }
  /** Kept by somebody else: there is nobody. */
  | { readonly type: 'external'; readonly name: string }
) & {
  /** Where it stands in the stack file: `/srv/stack.yaml:12:5`. */
  readonly place: string;
};
