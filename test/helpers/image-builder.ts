import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { hostArchitecture } from '../../src/image/platform.ts';

/** An entry of a tar archive; a file where it has text. */
export type Entry = Partial<Header> & { readonly name: string } & { readonly text?: string | Buffer };

export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text, ...header } of entries) {
    const full = { mtime: new Date(1_700_000_000_000), type: text === undefined ? 'directory' : 'file', ...header };
    archive.entry(full as Header, text ?? '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function digestOf(data: Buffer | string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

export interface LayoutImage {
  readonly tag?: string;
  /** Uncompressed tars, bottom first. */
  readonly layers: readonly Buffer[];
  /** `gzip` unless given. */
  readonly packing?: 'gzip' | 'zstd';
  /** The `config` member of the configuration. */
  readonly config?: Record<string, unknown>;
  readonly architecture?: string;
  /** RFC 3339. */
  readonly created?: string;
  /** Changes the manifest before it is written. */
  readonly editManifest?: (manifest: Record<string, unknown>) => void;
}

/** Writes an OCI image layout and returns its directory. */
export function writeLayout(directory: string, images: readonly LayoutImage[]): string {
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true });
  const blob = (data: Buffer | string, mediaType: string) => {
    const digest = digestOf(data);
    writeFileSync(`${directory}/blobs/sha256/${digest.slice(7)}`, data);
    return { mediaType, digest, size: Buffer.byteLength(data) };
  };
  const manifests = images.map((image) => {
    const manifest: Record<string, unknown> = {
      schemaVersion: 2,
      config: blob(configText(image), 'application/vnd.oci.image.config.v1+json'),
      layers: image.layers.map((tar) => {
        const packed = image.packing === 'zstd' ? zstdCompressSync(tar) : gzipSync(tar);
        return blob(packed, `application/vnd.oci.image.layer.v1.tar+${image.packing ?? 'gzip'}`);
      }),
    };
    image.editManifest?.(manifest);
    return {
      ...blob(JSON.stringify(manifest), 'application/vnd.oci.image.manifest.v1+json'),
      platform: { os: 'linux', architecture: image.architecture ?? hostArchitecture() },
      ...(image.tag !== undefined && { annotations: { 'org.opencontainers.image.ref.name': image.tag } }),
    };
  });
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
  return directory;
}

export function configText(image: LayoutImage): string {
  return JSON.stringify({
    os: 'linux',
    architecture: image.architecture ?? hostArchitecture(),
    ...(image.created !== undefined && { created: image.created }),
    config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids: image.layers.map(digestOf) },
  });
}

/** Runs `body` with a directory of its own, which is gone afterwards. */
export async function withDirectory(body: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(`${tmpdir()}/tsstack-image-`);
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
