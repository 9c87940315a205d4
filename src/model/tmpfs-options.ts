/** Options of mount(8) that are flags, and what a tmpfs of a container may say of itself: Docker's, and those of tmpfs(5). */
const FLAGS = /^(defaults|ro|rw|(no)?(suid|dev|exec|diratime)|noatime|relatime|strictatime|noswap|inode32|inode64)$/;
const SIZE = /^\d+([kmgtpe]|%)?$/i;
const VALUES: Readonly<Record<string, RegExp>> = {
  size: SIZE,
  mode: /^[0-7]{1,4}$/,
  uid: /^\d{1,10}$/,
  gid: /^\d{1,10}$/,
  nr_inodes: SIZE,
  nr_blocks: SIZE,
  mpol: /^[a-z]+([=:][0-9a-z:=,-]*)?$/,
  huge: /^(never|always|within_size|advise)$/,
};

/** What is wrong with an option of `tmpfs`; undefined: nothing. */
export function tmpfsOptionProblem(option: string): string | undefined {
  const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(option) ?? [];
  const pattern = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (value === undefined && FLAGS.test(name)) return undefined;
  if (pattern === undefined) return 'there is no such option';
  if (value !== undefined && pattern.test(value)) return undefined;
  return name === 'uid' || name === 'gid' ? 'it must be a number' : 'its value has no meaning';
}

/** Names for hints. */
export const TMPFS_OPTIONS: readonly string[] = [
  ...Object.keys(VALUES),
  ...[
    'ro',
    'rw',
    'suid',
    'nosuid',
    'dev',
    'nodev',
    'exec',
    'noexec',
    'noatime',
    'nodiratime',
    'relatime',
    'strictatime',
  ],
];
