import type { ContainerImage } from '../../daemon/api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { table } from '../../lib/table.ts';
import { formatAge } from './format.ts';

const HEAD = ['CONTAINER', 'REPOSITORY', 'TAG', 'PLATFORM', 'IMAGE ID', 'SIZE', 'CREATED'];
const SHORT = 12;

/** The table of `images`: Compose's columns; `-` is what the image does not say. */
export function renderImages(images: readonly ContainerImage[], nowMs: number): string {
  const rows = images.map(({ container, repository, tag = '<none>', platform = '-', id, sizeBytes, createdAtMs }) => [
    container,
    repository,
    tag,
    platform,
    id.startsWith('sha256:') ? withoutAlgorithm(id).slice(0, SHORT) : '-',
    sizeBytes === undefined ? '-' : formatBytes(sizeBytes),
    createdAtMs === undefined ? '-' : `${formatAge(nowMs - createdAtMs)} ago`,
  ]);
  return table(HEAD, rows);
}

/** `sha256:` is left out, as in Compose; what has no digest has `host` or `dir:PATH`. */
export function withoutAlgorithm(id: string): string {
  return id.replace(/^sha256:/, '');
}
