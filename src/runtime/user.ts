import { TsstackError } from '../model/error.ts';

/** Who a container's process is. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** HOME from the container's /etc/passwd; `/` when it has no such user. */
  readonly home: string;
}

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Who there is in a container. */
export interface UserFiles {
  /** Text of /etc/passwd; empty without one. */
  readonly passwd: string;
  readonly group: string;
  /** What messages call the image that they are of. */
  readonly image: string;
}

/** Largest id that Docker takes; 2^32-1 would mean "leave it" to setresuid(2). */
const LARGEST_ID = 2 ** 31 - 1;

/**
 * Looks `user` (`uid[:gid]`, `name[:group]`, empty for root) and `groupAdd` up in the texts of the container's own
 * /etc/passwd and /etc/group, as Docker does: the groups that list the user count only when no group was written; the
 * primary group is a supplementary one too (CVE-2022-36109). Throws `launch-failed` for a name that is not there.
 */
export function resolveUser(user: string, groupAdd: readonly string[], files: UserFiles): Identity {
  const { passwd, group, image } = files;
  const [userPart = '', groupPart = ''] = splitOnce(user, ':');
  const groups = parseGroups(group);
  const found = findUser(parseUsers(passwd), userPart === '' ? '0' : userPart);
  const uid = found?.uid ?? numericId(userPart === '' ? '0' : userPart, 'user', image);
  const gid = groupPart === '' ? (found?.gid ?? 0) : groupId(groups, groupPart, image);
  const implicit =
    groupPart === '' && found !== undefined
      ? groups.filter(({ members }) => members.includes(found.name)).map((each) => each.gid)
      : [];
  const added = groupAdd.map((name) => groupId(groups, name, image));
  return {
    uid,
    gid,
    groups: [...new Set([gid, ...implicit, ...added])],
    home: found === undefined || found.home === '' ? '/' : found.home,
  };
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function findUser(users: readonly User[], wanted: string): User | undefined {
  return users.find(({ name }) => name === wanted) ?? users.find(({ uid }) => String(uid) === wanted);
}

function groupId(groups: readonly Group[], wanted: string, image: string): number {
  return groups.find(({ name }) => name === wanted)?.gid ?? numericId(wanted, 'group', image);
}

const FILES = { user: '/etc/passwd', group: '/etc/group' } as const;

function numericId(text: string, what: 'user' | 'group', image: string): number {
  const id = parseId(text);
  if (id !== undefined) return id;
  const reason = /^\d+$/.test(text)
    ? `ids go up to ${LARGEST_ID}`
    : `${FILES[what]} of image "${image}" has no such ${what}`;
  throw new TsstackError('launch-failed', `Unknown ${what} ${JSON.stringify(text)}: ${reason}`, {
    hint: `Set user${what === 'group' ? ' or group_add' : ''} in the stack file to a ${what} of the image, or to numeric ids.`,
  });
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= LARGEST_ID ? id : undefined;
}

/** Lines that are not of passwd(5)'s form come from the image and are left out. */
function parseUsers(passwd: string): readonly User[] {
  return passwd.split('\n').flatMap((line) => {
    const [name = '', , uidText, gidText, , home = ''] = line.split(':');
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    if (name === '' || name.startsWith('#') || uid === undefined || gid === undefined) return [];
    return [{ name, uid, gid, home: home.startsWith('/') ? home : '' }];
  });
}

function parseGroups(group: string): readonly Group[] {
  return group.split('\n').flatMap((line) => {
    const [name = '', , gidText, members = ''] = line.split(':');
    const gid = parseId(gidText);
    if (name === '' || name.startsWith('#') || gid === undefined) return [];
    return [{ name, gid, members: members.split(',').map((member) => member.trim()) }];
  });
}
