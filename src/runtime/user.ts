/** Who a container's process is. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** HOME from the container's /etc/passwd; `/` when it has no such user. */
  readonly home: string;
}

/**
 * Looks `user` (`uid[:gid]`, `name[:group]`, empty for root) and `groupAdd` up in the texts of the container's own
 * /etc/passwd and /etc/group, as Docker does. Throws `launch-failed` for a name that is not there.
 */
export function resolveUser(_user: string, _groupAdd: readonly string[], _passwd: string, _group: string): Identity {
  throw new Error('not written yet');
}
