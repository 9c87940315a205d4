import { createHash, type Hash } from 'node:crypto';
import { imageInvalid } from './errors.ts';

/** OCI image-spec descriptor.md, "Digests": the registered algorithms. */
const PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** The value if it is a digest in its canonical form. Throws `image-invalid`. */
export function parseDigest(value: unknown): string {
  if (typeof value === 'string' && PATTERN.test(value)) return value;
  if (value === undefined) throw imageInvalid('a digest is missing');
  throw imageInvalid(`${JSON.stringify(value).slice(0, 200)} is not a sha256 or sha512 digest`);
}

/** A hash of the digest's algorithm. */
export function hashFor(digest: string): Hash {
  return createHash(digest.slice(0, digest.indexOf(':')));
}

export function sha256(data: Buffer | string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** Throws `image-invalid` when the hash is another one than `digest` says. */
export function checkDigest(hash: Hash, digest: string, what: string): void {
  const found = `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
  if (found !== digest) throw imageInvalid(`${what} has the digest ${found}, not ${digest}`);
}

/** OCI image-spec config.md, "Layer ChainID", bottom layer first. */
export function chainIds(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chain;
}
