import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hostArchitecture } from '../../src/image/platform.ts';
import { digestOf, tarOf } from './image-builder.ts';

/** A Dockerfile about one rule, with its context, and what BuildKit makes of it. */
export interface BuildCase {
  readonly name: string;
  readonly directory: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Images that are built first from the same context: name → Dockerfile. */
  readonly parents: Readonly<Record<string, string>>;
  /** Commands that make of the context what git cannot keep: rights, links, empty directories. */
  readonly setup: readonly string[];
  /** Where `expected.json` is from, when BuildKit did not give it. */
  readonly written?: string;
  /** What buildah does otherwise; absent: it gives the same. */
  readonly buildah?: string;
  /** Where we mean to differ from BuildKit; `null`: we have no such file. */
  readonly ours?: { readonly why: string; readonly files: Readonly<Record<string, string | null>> };
}

export const CASES_DIRECTORY = fileURLToPath(new URL('../build/cases', import.meta.url));
/** Of everything in a context, so that copied times can be told. */
const CONTEXT_TIME = '2020-01-01 00:00:00 UTC';
/** What the cases' own secret, `token`, says. */
export const SECRET = 'hush\n';

export function buildCases(): readonly BuildCase[] {
  return readdirSync(CASES_DIRECTORY)
    .filter((name) => existsSync(`${CASES_DIRECTORY}/${name}/Dockerfile`))
    .sort()
    .map((name) => {
      const directory = `${CASES_DIRECTORY}/${name}`;
      const file = `${directory}/case.json`;
      const more = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<BuildCase>) : {};
      return { args: {}, parents: {}, setup: [], ...more, name, directory };
    });
}

/** Makes the context of a case in a new directory, the same on every machine. */
export function makeContext({ directory, setup }: BuildCase, to: string): void {
  cpSync(directory, to, { recursive: true, verbatimSymlinks: true });
  for (const name of ['case.json', 'expected.json']) rmSync(`${to}/${name}`, { force: true });
  chmodSync(to, 0o755);
  for (const path of globSync('**', { cwd: to })) {
    const found = lstatSync(`${to}/${path}`);
    if (!found.isSymbolicLink()) chmodSync(`${to}/${path}`, found.isDirectory() ? 0o755 : 0o644);
  }
  const script = ['umask 022', ...setup, `find . -depth -exec touch -h -d '${CONTEXT_TIME}' {} +`].join('\n');
  execFileSync('/bin/sh', ['-ec', script], { cwd: to });
}

/** What every case begins with, as `docker load` takes it: busybox with all its names, called `base`. */
export async function baseArchive(): Promise<Buffer> {
  const busybox = execFileSync('/bin/sh', ['-c', 'readlink -f "$(command -v busybox)"'], { encoding: 'utf8' }).trim();
  const names = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const layer = await tarOf([
    { name: 'bin/', mode: 0o755 },
    { name: 'bin/busybox', text: readFileSync(busybox), mode: 0o755 },
    ...names
      .filter((name) => name !== 'busybox')
      .map((name) => ({ name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' })),
    ...['dev/', 'proc/', 'sys/', 'run/'].map((name) => ({ name, mode: 0o755 })),
    { name: 'etc/', mode: 0o755 },
    { name: 'etc/passwd', text: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n' },
    { name: 'etc/group', text: 'root:x:0:\nvideo:x:44:app\nstaff:x:50:\napp:x:1001:\n' },
    { name: 'tmp/', mode: 0o1777 },
    { name: 'attributes', text: 'a\n', pax: { 'SCHILY.xattr.user.one': '1' } },
    { name: 'capable', text: 'c\n', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': NET_BIND_SERVICE } },
  ]);
  const config = JSON.stringify({
    os: 'linux',
    architecture: hostArchitecture(),
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  });
  const manifest = [{ Config: 'config.json', RepoTags: ['base:latest'], Layers: ['layer.tar'] }];
  return tarOf([
    { name: 'layer.tar', text: layer },
    { name: 'config.json', text: config },
    { name: 'manifest.json', text: JSON.stringify(manifest) },
  ]);
}

/** linux/capability.h: version 2, effective; bit 10. */
const NET_BIND_SERVICE = '\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00';

/** Arguments of `docker build` and `buildah bud` that they have in common. */
export function buildArguments({ args, target }: Pick<BuildCase, 'args' | 'target'>): readonly string[] {
  return [
    ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...(target === undefined ? [] : ['--target', target]),
  ];
}
