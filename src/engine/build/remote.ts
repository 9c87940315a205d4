import { randomBytes } from 'node:crypto';
import type { Remote } from '../../build/execute/work.ts';
import { isArchive, unpackArchive } from '../../build/remote/archive.ts';
import { checkOut, type GitSource, parseGitUrl } from '../../build/remote/git.ts';
import type { Build } from '../../model/build.ts';
import { TsstackError } from '../../model/error.ts';
import type { Engine } from '../engine.ts';

interface RemoteOptions {
  /** A directory that is gone when the build has ended. */
  readonly staging: string;
  readonly build: Build;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Brings files from elsewhere into directories below `staging`. */
export function remoteSources({ machine: { host } }: Engine, options: RemoteOptions): Remote {
  const { staging, build, env, signal } = options;
  const newDirectory = async (): Promise<string> => {
    const path = `${staging}/${randomBytes(6).toString('hex')}`;
    await host.perform([{ op: 'mkdir', path, mode: 0o755 }]);
    return path;
  };
  const file: Remote['file'] = async (url, checksum) => {
    // It speaks HTTP: loaded when it is first needed.
    const { download } = await import('../../build/remote/download.ts');
    const directory = await newDirectory();
    const { name } = await download({ url, directory, env, signal, ...(checksum !== undefined && { checksum }) });
    return { directory, name };
  };
  const unpacked: Remote['unpacked'] = async (data) => {
    const [directory, place] = [await newDirectory(), await newDirectory()];
    await unpackArchive(data, { host, directory, staging: place, signal });
    return directory;
  };
  const repository = async (source: GitSource, keepGitDir: boolean): Promise<string> => {
    const directory = await newDirectory();
    const agent = build.ssh['default'] ?? '';
    const wanted = { directory, keepGitDir: source.keepGitDir ?? keepGitDir, env, signal };
    await checkOut(source, { ...wanted, ...(agent !== '' && { sshAgent: agent }) });
    return directory;
  };
  return {
    file,
    unpacked,
    isArchive,
    isRepository,
    repository: (url, keepGitDir) => repository(sourceOf(url), keepGitDir),
    context: async (url) => {
      const source = parseGitUrl(url);
      if (source !== undefined) return { directory: await repository(source, false) };
      if (/^https?:\/\//.test(url)) return file(url, undefined);
      throw new TsstackError('build-failed', `The context ${JSON.stringify(url)} is neither a directory nor a URL`, {
        hint: 'Write a path, https://HOST/REPOSITORY.git#REF:DIRECTORY, or the URL of an archive',
      });
    },
  };
}

/** `github.com/x/y` may be a path, and in ADD it is one. */
function isRepository(url: string): boolean {
  const source = parseGitUrl(url);
  return source !== undefined && source.mayBePath !== true;
}

function sourceOf(url: string): GitSource {
  const source = parseGitUrl(url);
  if (source === undefined) throw new Error(`no repository: ${url}`);
  return source;
}
