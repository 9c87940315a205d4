import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { TsstackError } from '../../model/error.ts';
import { Git } from './git-command.ts';
import { type Fetched, fetchCommit } from './git-fetch.ts';
import { plainDirectory, settleTree } from './git-tree.ts';

/** What of which repository is wanted. */
export interface GitSource {
  /** As git takes it: a URL, or `user@host:path`. */
  readonly remote: string;
  /** Branch, tag, full name of a reference, or all digits of a commit; absent: the default branch. */
  readonly ref?: string;
  /** Absent: all of it. */
  readonly subdirectory?: string;
  /** Beginning of the hash that the commit, or the tag, must have. */
  readonly checksum?: string;
  /** Absent: as ADD or the context says. */
  readonly keepGitDir?: boolean;
  /** Absent: true. */
  readonly submodules?: boolean;
  /** `github.com/x/y`, which may be a path as well: only a build context means the repository by it. */
  readonly mayBePath?: boolean;
}

/** scp's form. The first character keeps ssh from taking it for an option. */
const SCP = /^([A-Za-z0-9][\w-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
/** Neither the user nor the host may look like an option either. */
const REMOTE = /^(?:https?|ssh|git):\/\/(?:[A-Za-z0-9][^/@]*@)?[A-Za-z0-9[][^/@]*\//i;
const CONTROL = /[\0-\x20\x7f]/;

/**
 * A git URL as Docker understands it; undefined: it is none. BuildKit's rules: of HTTP only what ends in `.git`, then
 * `#ref:subdir` or `?ref=&tag=&branch=&subdir=&checksum=&keep-git-dir=&submodules=`. Throws `build-failed` for a query that
 * makes no sense. Repositories of this machine (`file://`) are none: a Dockerfile could read what its author may not.
 */
export function parseGitUrl(text: string): GitSource | undefined {
  if (CONTROL.test(text)) return undefined;
  const mayBePath = text.startsWith('github.com/');
  const [, remote, query, fragment] = SCP.exec(text) ?? [];
  if (remote !== undefined) return withOptions({ remote }, new URLSearchParams(query ?? ''), fragment ?? '');
  const full = mayBePath ? `https://${text}` : text;
  if (!REMOTE.test(full) || !URL.canParse(full)) return undefined;
  const url = new URL(full);
  const web = /^https?:$/.test(url.protocol);
  if (web && !mayBePath && !url.pathname.endsWith('.git')) return undefined;
  const { searchParams, hash } = url;
  return withOptions({ remote: bare(full), ...(mayBePath && { mayBePath }) }, searchParams, decoded(hash.slice(1)));
}

function bare(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function withOptions(base: GitSource, query: URLSearchParams, fragment: string): GitSource {
  const colon = fragment.indexOf(':');
  const value = (name: string): string | undefined => single(query, name);
  const allowed = ['ref', 'tag', 'branch', 'subdir', 'checksum', 'commit', 'keep-git-dir', 'submodules'];
  const unknown = [...query.keys()].find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw refused(base, `it has the query ${JSON.stringify(unknown)}, which nobody knows`);
  if (value('tag') !== undefined && value('branch') !== undefined) throw refused(base, 'it names a branch and a tag');
  const only = (what: string, values: readonly (string | undefined)[]): string | undefined => {
    const given = new Set(values.filter((each) => each !== undefined && each !== ''));
    if (given.size > 1) throw refused(base, `it names more than one ${what}: ${[...given].join(', ')}`);
    return [...given][0];
  };
  const checksum = only('checksum', [value('checksum'), value('commit')]);
  const ref = only('ref', [
    colon < 0 ? fragment : fragment.slice(0, colon),
    value('ref'),
    prefixed('refs/tags/', value('tag')),
    prefixed('refs/heads/', value('branch')),
  ]);
  const subdirectory = only('subdir', [colon < 0 ? '' : fragment.slice(colon + 1), value('subdir')]);
  const [keepGitDir, submodules] = [flag(base, query, 'keep-git-dir'), flag(base, query, 'submodules')];
  if (checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(checksum)) {
    throw refused(base, `the checksum ${JSON.stringify(checksum)} is not at least 7 digits of a commit`);
  }
  const wanted = ref ?? checksum;
  return {
    ...base,
    ...(wanted !== undefined && { ref: checkedRef(base, wanted) }),
    ...(subdirectory !== undefined && { subdirectory }),
    ...(checksum !== undefined && { checksum }),
    ...(keepGitDir !== undefined && { keepGitDir }),
    ...(submodules !== undefined && { submodules }),
  };

  function single(from: URLSearchParams, name: string): string | undefined {
    const values = from.getAll(name);
    if (values.length > 1) throw refused(base, `it has the query "${name}" ${values.length} times`);
    const bareFlag = name === 'keep-git-dir' || name === 'submodules';
    if (values[0] === '' && !bareFlag) throw refused(base, `it has the query "${name}" without a value`);
    return values[0];
  }
}

/** As Go's strconv.ParseBool; without a value: true. */
function flag(base: GitSource, query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^(?:|1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw refused(base, `${name} is ${JSON.stringify(text)}, neither true nor false`);
}

function prefixed(prefix: string, name: string | undefined): string | undefined {
  return name === undefined || name.startsWith(prefix) ? name : `${prefix}${name}`;
}

/** git-check-ref-format(1); what is a pattern or an option must not get to git. */
function checkedRef(base: GitSource, ref: string): string {
  if (!/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(ref)) return ref;
  throw refused(base, `${JSON.stringify(ref)} is no name of a branch, a tag or a commit`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refused({ remote }: GitSource, reason: string): TsstackError {
  return new TsstackError(
    'build-failed',
    `The git URL ${remote.replace(/\/\/[^/@]*@/, '//')} cannot be used: ${reason}`,
    {
      hint: 'Write URL.git?ref=NAME&subdir=PATH or URL.git#NAME:PATH',
    },
  );
}

export interface CheckOutOptions {
  /** Empty; it is replaced. What lies next to it must be on the same file system. */
  readonly directory: string;
  /** Not with a subdirectory, as BuildKit. Those of submodules are never kept. */
  readonly keepGitDir: boolean;
  /** Socket of an agent with the caller's keys; absent: no key is used. */
  readonly sshAgent?: string;
  /** Of the caller: proxies, and HOME for known_hosts. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Fetches one commit, with its submodules, into a directory: owned by root, modes 0755 and 0644, times of the commit.
 * Nothing of the repository is executed and no settings of this machine count. Throws `build-failed`, `missing-tool`,
 * `cancelled`; the directory is then as it was.
 */
export async function checkOut(source: GitSource, options: CheckOutOptions): Promise<{ readonly commit: string }> {
  const { directory, keepGitDir } = options;
  const scratch = mkdtempSync(`${directory}.git-`);
  try {
    const tree = `${scratch}/tree`;
    const fetched = await fetchCommit(source, tree, { ...options, scratch });
    settleTree(tree, fetched.seconds);
    const subdirectory = source.subdirectory ?? '';
    const wanted = plainDirectory(tree, subdirectory);
    if (keepGitDir && wanted === tree) await keep(fetched, source.remote, tree);
    chmodSync(wanted, 0o755);
    renameSync(wanted, directory);
    return { commit: fetched.commit };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The repository as a clone would have it; the secrets of its URL stay out. */
async function keep({ git }: Fetched, remote: string, tree: string): Promise<void> {
  await git.run(['config', '--unset', 'core.worktree'], { allowFailure: true });
  await git.run(['config', 'remote.origin.url', Git.withoutUser(remote)]);
  await git.run(['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*']);
  rmSync(`${git.directory}/FETCH_HEAD`, { force: true });
  renameSync(git.directory, `${tree}/.git`);
}
