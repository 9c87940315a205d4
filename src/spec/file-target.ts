import { posix } from 'node:path';

/** Sections of configs and secrets, and where a relative target in a container begins. */
export const fileFolders = { configs: '/', secrets: '/run/secrets' } as const;

export type FileSection = keyof typeof fileFolders;

/** The absolute path in the container of an item of `configs` or `secrets`; without a target it has its source's name. */
export function fileTarget(section: FileSection, source: string, target: string | undefined): string {
  return posix.resolve(fileFolders[section], target || source);
}
