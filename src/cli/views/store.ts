import type { StoredImageDetail, StoredImageSummary } from '../../daemon/image-api.ts';
import { formatBytes } from '../../lib/format-bytes.ts';
import { table } from '../../lib/table.ts';
import { formatAge } from './format.ts';
import { withoutAlgorithm } from './images.ts';

interface ViewOptions {
  readonly nowMs: number;
  /** Ids and commands are not cut. */
  readonly whole: boolean;
}

const SHORT_ID = 12;
const SHORT_COMMAND = 60;

/** The table of `image ls`: a line for each name. */
export function renderStore(images: readonly StoredImageSummary[], { nowMs, whole }: ViewOptions): string {
  const rows = images.flatMap(({ names, id, platform, createdAtMs, sizeBytes, users }) =>
    (names.length === 0 ? ['<none>'] : names).map((name) => [
      name,
      whole ? id : withoutAlgorithm(id).slice(0, SHORT_ID),
      platform,
      ago(createdAtMs, nowMs),
      formatBytes(sizeBytes),
      users.length === 0 ? '-' : users.join(', '),
    ]),
  );
  return table(['IMAGE', 'ID', 'PLATFORM', 'CREATED', 'SIZE', 'USED BY'], rows);
}

/** The table of `image history`. */
export function renderHistory(steps: StoredImageDetail['history'], { nowMs, whole }: ViewOptions): string {
  const rows = steps.map(({ createdAtMs, createdBy, comment, sizeBytes }) => [
    ago(createdAtMs, nowMs),
    shorten(createdBy, whole),
    sizeBytes === 0 ? '-' : formatBytes(sizeBytes),
    comment,
  ]);
  return table(['CREATED', 'CREATED BY', 'SIZE', 'COMMENT'], rows);
}

/** On one line. */
function shorten(command: string, whole: boolean): string {
  const line = command.replace(/\s+/g, ' ').trim();
  return whole || line.length <= SHORT_COMMAND ? line : `${line.slice(0, SHORT_COMMAND)}…`;
}

function ago(createdAtMs: number | undefined, nowMs: number): string {
  return createdAtMs === undefined ? '-' : `${formatAge(nowMs - createdAtMs)} ago`;
}
