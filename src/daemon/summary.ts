import type { ContainerView } from '../engine/containers.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import type { ContainerSummary } from './api.ts';

/** A container as the API shows it. */
export function summarize({ record, observed, image, usage, logPath, detail }: ContainerView): ContainerSummary {
  const { key, spec } = record;
  return {
    ...key,
    name: spec.name,
    image,
    command: spec.argv.map(shellQuote).join(' '),
    status: observed.status,
    health: observed.health,
    ...(observed.pid !== undefined && { pid: observed.pid }),
    ...(observed.exitCode !== undefined && { exitCode: observed.exitCode }),
    oomKilled: observed.oomKilled,
    restarts: observed.restarts,
    createdAtMs: observed.createdAtMs,
    ...(observed.startedAtMs !== undefined && { startedAtMs: observed.startedAtMs }),
    ...(observed.finishedAtMs !== undefined && { finishedAtMs: observed.finishedAtMs }),
    ports: record.ports,
    networks: record.endpoints.map(({ network, ipv4, ipv6 }) => ({
      name: network,
      ...(ipv4 !== undefined && { ipv4 }),
      ...(ipv6 !== undefined && { ipv6 }),
    })),
    ...(usage !== undefined && { usage }),
    logPath,
    ...(detail !== undefined && { detail }),
  };
}
