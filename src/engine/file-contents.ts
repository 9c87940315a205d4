import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Contents } from '../executor/context.ts';
import type { Host } from '../host/host.ts';
import { containerAddress } from '../model/address.ts';
import type { FileMount, FileSource } from '../model/mounts.ts';
import type { Conflict } from '../model/plan.ts';
import type { Stack } from '../model/stack.ts';
import type { ContentHash } from '../planner/files.ts';
import { mostBytes, readRegularFile } from '../spec/read.ts';
import { type Paths, secretKeyPath } from '../store/paths.ts';

/** The configs and secrets of a stack as they are now. */
export interface FileContents {
  readonly contents: Contents;
  readonly contentHash: ContentHash;
  /** What cannot be read, each once. */
  readonly conflicts: readonly Conflict[];
}

/** Reads every config and secret that a service with a container uses. `key`: what hashes of secrets are keyed with. */
export function readContents(stack: Stack, key: Uint8Array): FileContents {
  const contents: Contents = new Map();
  const hashes = new Map<string, string>();
  const conflicts: Conflict[] = [];
  for (const { name, files = [], replicas } of Object.values(stack.services)) {
    for (const file of replicas > 0 ? files : []) {
      if (hashes.has(nameOf(file))) continue;
      const source = (file.kind === 'config' ? stack.configs : stack.secrets)?.[file.source];
      if (source === undefined) continue;
      const read = readSource(source);
      hashes.set(nameOf(file), '');
      if ('message' in read) {
        conflicts.push({
          address: containerAddress(name, 1),
          message: `${nameOf(file)} ${read.message} (${source.place})`,
          hint: read.hint,
        });
        continue;
      }
      const hash = hashOf(file, read.bytes, key);
      hashes.set(nameOf(file), hash);
      contents.set(hash, read.bytes);
    }
  }
  return { contents, contentHash: (file) => hashes.get(nameOf(file)) ?? '', conflicts };
}

/** `secrets.token`, as in the stack file. */
function nameOf({ kind, source }: Pick<FileMount, 'kind' | 'source'>): string {
  return `${kind}s.${source}`;
}

type Read = { readonly bytes: Uint8Array } | { readonly message: string; readonly hint: string };

function readSource(source: FileSource): Read {
  switch (source.type) {
    case 'content':
      return { bytes: Buffer.from(source.content) };
    case 'environment':
      if (source.value !== undefined) return { bytes: Buffer.from(source.value) };
      return {
        message: `is the variable ${source.variable}, which is not set`,
        hint: `Set ${source.variable} in the environment or in .env`,
      };
    case 'external':
      return {
        message: 'is external, and there is no store that has it',
        hint: 'Write "file: PATH" or "environment: VARIABLE" instead of "external"',
      };
    case 'file':
      return readFile(source.path);
  }
}

function readFile(path: string): Read {
  const read = readRegularFile(path);
  if ('problem' in read) {
    return {
      message: `cannot be read: ${read.problem.message}`,
      hint: 'Make the file, or write another path: relative ones begin at the directory of the stack file',
    };
  }
  if (read.bytes.length <= mostBytes) return read;
  return { message: `cannot be read: ${path} is larger than 4 MiB`, hint: 'Mount it with "volumes" instead' };
}

function hashOf({ kind }: FileMount, bytes: Uint8Array, key: Uint8Array): string {
  if (kind === 'config') return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return `hmac-sha256:${createHmac('sha256', key).update(bytes).digest('hex')}`;
}

const KEY_BYTES = 32;

/** The machine's key; made when it is first needed. */
export async function secretKey(host: Host, paths: Paths): Promise<Uint8Array> {
  const path = secretKeyPath(paths);
  const present = host.readBytes(path);
  if (present?.length === KEY_BYTES) return present;
  const made = randomBytes(KEY_BYTES);
  await host.perform([{ op: 'write-file', path, data: made, mode: 0o600 }]);
  return made;
}
