import { isAbsolute, join } from 'node:path';
import type { Build, BuildSecret, NamedContext } from '../../model/build.ts';
import type { BuildSource } from '../../model/stack.ts';
import type { Dict } from '../node.ts';
import { type PathBase, resolvePath } from '../paths.ts';
import { imageSource } from './image.ts';
import { ulimits } from './limits.ts';
import { hostEntry } from './network.ts';
import { defined, dictAt, dictsAt, numberAt, stringsAt, textAt, textsAt } from './read.ts';

export interface BuildInput {
  /** Of the stack. */
  readonly project: string;
  readonly name: string;
  /** Canonical. */
  readonly service: Dict;
  /** As written: holds the `x-` keys. */
  readonly written: Dict;
  /** What paths below a key of the service are relative to. */
  readonly base: (key: string) => PathBase;
  /** `/srv/stack.yaml:12:5`: where a key of the service stands. */
  readonly where: (key: string) => string;
  /** A variable as that key of the service sees it. */
  readonly lookup: (key: string, variable: string) => string | undefined;
}

/** Where the image of a service comes from, and how it is built. */
export function buildSource(input: BuildInput): BuildSource {
  const { project, name, service, written, base } = input;
  const build = dictAt(service, 'build');
  const source = {
    image: textAt(service, 'image'),
    rootfs: textAt(written, 'x-rootfs'),
    platform: textAt(service, 'platform'),
    built: build === undefined ? undefined : `${project}-${name}`,
  };
  return defined({
    name,
    source: imageSource(source, { image: base('image'), rootfs: base('x-rootfs') }),
    build: build === undefined ? undefined : normalizeBuild(build, input),
  });
}

function normalizeBuild(build: Dict, { base, where, lookup }: BuildInput): Build {
  const context = textAt(build, 'context') ?? '';
  return defined({
    context,
    dockerfile: dockerfile(context, textAt(build, 'dockerfile')),
    dockerfileInline: textAt(build, 'dockerfile_inline'),
    args: stringsAt(build, 'args'),
    target: textAt(build, 'target'),
    contexts: namedContexts(dictAt(build, 'additional_contexts') ?? {}, base('build')),
    labels: stringsAt(build, 'labels'),
    tags: textsAt(build, 'tags'),
    cacheFrom: textsAt(build, 'cache_from'),
    cacheTo: textsAt(build, 'cache_to'),
    noCache: build['no_cache'] === true,
    pull: build['pull'] === true,
    network: network(textAt(build, 'network')),
    shmSizeBytes: numberAt(build, 'shm_size'),
    extraHosts: textsAt(build, 'extra_hosts').map(hostEntry),
    ulimits: ulimits(build),
    privileged: build['privileged'] === true,
    entitlements: textsAt(build, 'entitlements'),
    platforms: textsAt(build, 'platforms'),
    secrets: dictsAt(build, 'secrets').map(secret),
    ssh: sshKeys(textsAt(build, 'ssh'), lookup('build', 'SSH_AUTH_SOCK')),
    place: where('build'),
  });
}

/** What `Dockerfile` means is left open: it may also be called `dockerfile` (BuildKit). */
function dockerfile(context: string, written: string | undefined): string | undefined {
  if (written === undefined || written === 'Dockerfile') return undefined;
  return isAbsolute(context) && !isAbsolute(written) ? join(context, written) : written;
}

function namedContexts(written: Dict, base: PathBase): Record<string, NamedContext> {
  const result: Record<string, NamedContext> = Object.create(null);
  for (const [name, each] of Object.entries(written)) result[name] = namedContext(String(each), base);
  return result;
}

function namedContext(text: string, base: PathBase): NamedContext {
  const [, scheme, rest = ''] = /^(docker-image:\/\/|oci-layout:\/\/|service:)(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case 'docker-image://':
      return { type: 'image', reference: rest };
    case 'oci-layout://':
      return ociLayout(rest, base);
    case 'service:':
      return { type: 'service', service: rest };
    default:
      return isAbsolute(text) ? { type: 'directory', path: text } : { type: 'url', url: text };
  }
}

/** `DIR`, `DIR:TAG` or `DIR@sha256:…`, whose digest stands where a tag would. */
function ociLayout(text: string, base: PathBase): NamedContext {
  const [, path = text, digest, name] = /^(.+?)(?:@(sha256:[0-9a-f]+)|:([^/:]+))?$/s.exec(text) ?? [];
  const tag = digest ?? name;
  return { type: 'oci', path: resolvePath(path, base), ...(tag !== undefined && { tag }) };
}

/** A name of the top-level networks is none of these, and warned about. */
function network(written: string | undefined): Build['network'] {
  return written === 'none' || written === 'host' ? written : 'default';
}

/** The step asks for a secret by the target, where there is one. */
function secret(item: Dict): BuildSecret {
  const source = textAt(item, 'source') ?? '';
  return { source, id: textAt(item, 'target') ?? source };
}

/** Of the list `default`, `id=path`; the agent of the caller stands for an id alone: empty where there is none. */
function sshKeys(entries: readonly string[], agent = ''): Record<string, string> {
  const result: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const equals = entry.indexOf('=');
    if (equals === -1) result[entry] = agent;
    else result[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return result;
}
