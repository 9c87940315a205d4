import { mkdirSync } from 'node:fs';
import { printable } from '../../image/errors.ts';
import { byteString } from '../../image/layer/byte-fs.ts';
import { Again, Attempts, DEFAULT_TIMING, retrying } from '../../image/registry/retry.ts';
import { TsstackError } from '../../model/error.ts';
import { Git } from './git-command.ts';
import { plainDirectoryBytes, TreeListing } from './git-tree.ts';
import { submoduleSources } from './submodules.ts';

interface Wanted {
  readonly remote: string;
  readonly ref?: string;
  readonly checksum?: string;
  readonly submodules?: boolean;
}

interface Circumstances {
  readonly scratch: string;
  readonly sshAgent?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface Fetched {
  readonly git: Git;
  readonly commit: string;
  /** When it was committed. */
  readonly seconds: number;
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** Of one build, and one within the other. */
const MOST_SUBMODULES = 500;
const DEEPEST = 10;

/** Checks out a commit and its submodules below `tree`, which is made. Repositories lie in `scratch`. */
export async function fetchCommit(wanted: Wanted, tree: string, options: Circumstances): Promise<Fetched> {
  mkdirSync(tree, { mode: 0o755 });
  const counted = { repositories: 0 };
  return fetchOne(wanted, { tree, depth: 0, counted, options });
}

interface Place {
  readonly tree: string;
  readonly depth: number;
  readonly counted: { repositories: number };
  readonly options: Circumstances;
}

async function fetchOne(wanted: Wanted, place: Place): Promise<Fetched> {
  const { tree, counted, options, depth } = place;
  counted.repositories += 1;
  if (counted.repositories > MOST_SUBMODULES || depth > DEEPEST) {
    throw failed(wanted.remote, `there are more than ${MOST_SUBMODULES} submodules, or ${DEEPEST} in each other`);
  }
  const directory = `${options.scratch}/repository-${counted.repositories}`;
  const git = new Git({ ...options, directory, workTree: tree, remote: wanted.remote });
  const attempts = new Attempts({ ...DEFAULT_TIMING, attempts: 3 }, options.signal);
  const name = await retrying(attempts, () => passing(resolveRef(git, wanted)));
  await git.run(['init', '--quiet', '--template=', `--object-format=${name.format}`]);
  await retrying(attempts, () => passing(fetchRef(git, name.ref)));
  const commit = (await git.run(['rev-parse', '--verify', `${name.fetched}^{commit}`])).trim();
  await checkChecksum(git, wanted, { commit, fetched: name.fetched });
  const listing = new TreeListing();
  await git.run(['ls-tree', '-r', '-z', '-l', '--full-tree', commit], { take: (chunk) => listing.add(chunk) });
  await git.run(['checkout', '--quiet', '--force', '--detach', commit]);
  if (wanted.submodules !== false) {
    for (const { path, ...source } of await submoduleSources(git, { remote: wanted.remote, commit, listing })) {
      const inside = Buffer.from(plainDirectoryBytes(byteString(tree), path), 'latin1').toString();
      await fetchOne(source, { ...place, tree: inside, depth: depth + 1 });
    }
  }
  const seconds = Number((await git.run(['show', '--no-patch', '--format=%ct', commit])).trim());
  return { git, commit, seconds };
}

interface Resolved {
  /** What to ask for. */
  readonly ref: string;
  /** What it is called when it is there. */
  readonly fetched: string;
  readonly format: 'sha1' | 'sha256';
}

/** Of a branch and a tag of one name the branch, as BuildKit. */
async function resolveRef(git: Git, { remote, ref }: Wanted): Promise<Resolved> {
  if (ref !== undefined && COMMIT.test(ref)) return { ref, fetched: ref, format: formatOf(ref) };
  const names =
    ref === undefined
      ? ['HEAD']
      : [...(ref.startsWith('refs/') ? [ref] : []), `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`];
  const lines = (await git.run(['ls-remote', 'origin', ...names], { outside: true })).split('\n');
  const known = new Map(lines.map((line) => line.split('\t').reverse() as [string, string]));
  const found = names.find((name) => known.has(name));
  if (found !== undefined) return { ref: found, fetched: 'FETCH_HEAD', format: formatOf(known.get(found) ?? '') };
  throw failed(
    remote,
    ref === undefined ? 'it has no default branch' : `it has no branch or tag ${printable(ref)}`,
    'Name a branch, a tag, or all digits of a commit.',
  );
}

function formatOf(hash: string): Resolved['format'] {
  return hash.length === 64 ? 'sha256' : 'sha1';
}

/** A server need not give a commit that is no branch's or tag's end: then all of it is fetched. */
async function fetchRef(git: Git, ref: string): Promise<void> {
  const always = ['fetch', '--quiet', '--no-recurse-submodules'];
  try {
    await git.run([...always, '--no-tags', '--depth=1', 'origin', ref]);
  } catch (error) {
    const said = error instanceof TsstackError ? error.details.join('\n') : '';
    if (!COMMIT.test(ref) || !/not our ref|unadvertised object|does not support shallow|dumb http/i.test(said))
      throw error;
    await git.run([...always, '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*']);
  }
}

async function checkChecksum(
  git: Git,
  { checksum, remote }: Wanted,
  { commit, fetched }: { readonly commit: string; readonly fetched: string },
): Promise<void> {
  if (checksum === undefined || commit.startsWith(checksum)) return;
  // Of an annotated tag it may be the tag's own.
  const tag = (await git.run(['rev-parse', '--verify', fetched])).trim();
  if (tag.startsWith(checksum)) return;
  throw failed(remote, `the commit is ${commit}, not ${checksum}`, 'Somebody has moved the branch or tag.');
}

function failed(remote: string, message: string, hint?: string): TsstackError {
  return new TsstackError('build-failed', `Cannot fetch ${Git.withoutUser(remote)}: ${message}`, { hint });
}

const PASSING =
  /timed out|early EOF|RPC failed|Connection reset|hung up unexpectedly|Temporary failure in name resolution|error: (?:429|50[0234])|Operation too slow/i;

/** Trouble of the network or the server becomes `Again`. */
async function passing<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TsstackError && error.code === 'build-failed' && PASSING.test(error.details.join('\n'))) {
      throw new Again(error);
    }
    throw error;
  }
}
