import { printable } from '../../image/errors.ts';
import { TsstackError } from '../../model/error.ts';
import { Git } from './git-command.ts';
import type { TreeListing } from './git-tree.ts';

/** Where a submodule comes from, and where it belongs. */
interface Submodule {
  /** A byte string. */
  readonly path: string;
  readonly remote: string;
  /** Its commit. */
  readonly ref: string;
}

/**
 * The submodules of a commit. We fetch them ourselves and never call `git submodule`, which reads settings that the
 * repository's author has written and writes through what he has put in its way (CVE-2018-11235, CVE-2024-32002,
 * CVE-2025-48384). Throws `build-failed`.
 */
export async function submoduleSources(
  git: Git,
  { remote, commit, listing }: { readonly remote: string; readonly commit: string; readonly listing: TreeListing },
): Promise<readonly Submodule[]> {
  if (listing.links.length === 0) return [];
  const known = listing.modulesMode === undefined ? [] : await modulesOf(git, { remote, commit, listing });
  return listing.links.flatMap(({ path, commit: ref }) => {
    const found = known.find((each) => each.path === path);
    if (found?.update === 'none') return [];
    if (found?.url === undefined) {
      throw refused(remote, path, 'has no URL in .gitmodules', 'To do without: add ?submodules=false to the URL.');
    }
    return [{ path, ref, remote: submoduleUrl(remote, path, found.url) }];
  });
}

interface Section {
  path?: string;
  url?: string;
  update?: string;
}

async function modulesOf(
  git: Git,
  { remote, commit, listing }: { readonly remote: string; readonly commit: string; readonly listing: TreeListing },
): Promise<readonly Section[]> {
  if (!/^100/.test(listing.modulesMode ?? '')) throw refused(remote, '.gitmodules', 'is no regular file');
  const text = await git.run(['config', '--blob', `${commit}:.gitmodules`, '--null', '--list']);
  const sections = new Map<string, Section>();
  for (const line of text.split('\0')) {
    const [, name, key, value] = /^submodule\.(.*)\.(path|url|update)\n(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const section = sections.get(name) ?? {};
    section[key as keyof Section] = key === 'path' ? value.replace(/\/+$/, '') : value;
    sections.set(name, section);
  }
  return [...sections.values()];
}

/** As git(1) does: `./` and `../` are relative to the URL of the repository that it belongs to. Throws `build-failed`. */
function submoduleUrl(remote: string, path: string, url: string): string {
  if (/^\.\.?\//.test(url)) return relativeUrl(remote, path, url);
  const plain = !/[\0-\x20\x7f]/.test(url);
  if (plain && /^(?:https?|ssh|git):\/\/[^-/]|^[A-Za-z0-9][\w.-]*@[A-Za-z0-9][\w.-]*:/i.test(url)) return url;
  throw refused(remote, path, `is to come from ${printable(url)}, which is no URL of HTTP, SSH or git`);
}

function relativeUrl(remote: string, path: string, url: string): string {
  let base = remote.replace(/\/+$/, '');
  let rest = url;
  for (let step = /^(\.\.?)\/+/.exec(rest); step !== null; step = /^(\.\.?)\/+/.exec(rest)) {
    rest = rest.slice(step[0].length);
    if (step[1] === '..') base = base.replace(/[/:][^/:]*$/, '');
  }
  const separator = /:\/\//.test(base) || base.includes(':') ? '/' : ':';
  const host = /^(\w+:\/\/[^/]+|[^/:]+@[^/:]+)/.exec(remote)?.[1] ?? remote;
  if (!base.startsWith(host) || /[\0-\x20\x7f]/.test(rest))
    throw refused(remote, path, `has the URL ${printable(url)}`);
  return `${base}${separator}${rest}`;
}

function refused(remote: string, path: string, message: string, hint?: string): TsstackError {
  const name = path === '.gitmodules' ? path : `submodule ${printable(path)}`;
  return new TsstackError('build-failed', `Cannot fetch ${Git.withoutUser(remote)}: ${name} ${message}`, { hint });
}
