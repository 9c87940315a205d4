import { TsstackError } from '../../model/error.ts';

/** An image reference in full: what a short one means, by the rules of the distribution reference package. */
export interface Reference {
  /** Host with an optional port. */
  readonly registry: string;
  /** Path within the registry; of Docker's own images with `library/`. */
  readonly repository: string;
  /** `latest` when neither tag nor digest is written. */
  readonly tag?: string;
  readonly digest?: string;
}

/** The registry of names without one. */
export const DEFAULT_REGISTRY = 'docker.io';
/** Another name of the same, in old references. */
const OLD_DEFAULT = 'index.docker.io';
const OFFICIAL = 'library/';
/** Together with the registry; the limit of the reference package. */
const NAME_LENGTH = 255;

const HOST =
  /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::[0-9]+)?$/;
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Throws `image-invalid`: what is wrong with the text. */
export function parseReference(text: string): Reference {
  const [named = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) {
    throw invalid(text, `${quoted(text.slice(named.length + 1))} is not a sha256 or sha512 digest`);
  }
  const colon = named.lastIndexOf(':');
  const tag = colon > named.lastIndexOf('/') ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `${quoted(tag)} is not a tag`);
  const name = tag === undefined ? named : named.slice(0, colon);
  const { registry, path } = splitRegistry(name);
  const repository = registry === DEFAULT_REGISTRY && !path.includes('/') ? `${OFFICIAL}${path}` : path;
  if (!REPOSITORY.test(repository)) {
    const upper = REPOSITORY.test(repository.toLowerCase()) ? ': it must be in lower case' : '';
    throw invalid(text, `${quoted(path)} is not the name of a repository${upper}`);
  }
  if (registry.length + 1 + repository.length > NAME_LENGTH)
    throw invalid(text, `it is over ${NAME_LENGTH} characters`);
  const chosen = tag ?? (digest === undefined ? 'latest' : undefined);
  return {
    registry,
    repository,
    ...(chosen !== undefined && { tag: chosen }),
    ...(digest !== undefined && { digest }),
  };
}

/** In full: `docker.io/library/busybox:latest`, the name that the store keeps. With a digest, the tag means nothing. */
export function canonicalName({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}

/** As users write it: `busybox:latest`. */
export function familiarName(reference: Reference): string {
  const name = canonicalName(reference);
  if (reference.registry !== DEFAULT_REGISTRY) return name;
  return name.slice(DEFAULT_REGISTRY.length + 1).replace(/^library\/(?=[^/]+$)/, '');
}

/** A text as a name in full; undefined: it cannot be a name. */
export function nameInFull(text: string): string | undefined {
  try {
    return canonicalName(parseReference(text));
  } catch {
    return undefined;
  }
}

function splitRegistry(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first;
  if (slash === -1 || !isHost) return { registry: DEFAULT_REGISTRY, path: name };
  if (!HOST.test(first)) throw invalid(name, `${quoted(first)} is not the address of a registry`);
  return { registry: first === OLD_DEFAULT ? DEFAULT_REGISTRY : first, path: name.slice(slash + 1) };
}

function invalid(text: string, reason: string): TsstackError {
  return new TsstackError('image-invalid', `${quoted(text)} is not an image reference: ${reason}`, {
    hint: 'It is [REGISTRY/]NAME[:TAG][@DIGEST], such as postgres:17',
  });
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
