import type { ContainerView } from '../engine/containers.ts';
import { shellQuote } from '../lib/shell-quote.ts';
import { endingSignal } from '../lib/signal-name.ts';
import { networkLabel } from '../model/container.ts';
import { withLive } from '../model/live.ts';
import type { ContainerSummary } from './api.ts';

/** A container as the API shows it. */
export function summarize(
  { record, observed, image, usage, traffic, logPath, errorLogPath, health, detail }: ContainerView,
  { withHealth = false } = {},
): ContainerSummary {
  const { key, spec } = record;
  const signal = endingSignal(observed.exitCode);
  return {
    ...key,
    ...(spec.oneOff !== undefined && { oneOffOf: spec.oneOff.service }),
    name: spec.name,
    image,
    command: spec.argv.map(shellQuote).join(' '),
    status: observed.status,
    health: observed.health,
    ...(observed.pid !== undefined && { pid: observed.pid }),
    ...(observed.exitCode !== undefined && { exitCode: observed.exitCode }),
    ...(signal !== undefined && { signal }),
    oomKilled: observed.oomKilled,
    stoppedByUser: observed.stoppedByUser,
    restarts: observed.restarts,
    ...(record.lastEnd !== undefined && { lastEnd: record.lastEnd }),
    createdAtMs: observed.createdAtMs,
    ...(observed.startedAtMs !== undefined && { startedAtMs: observed.startedAtMs }),
    ...(observed.finishedAtMs !== undefined && { finishedAtMs: observed.finishedAtMs }),
    ports: record.ports,
    networks: record.endpoints.map(({ ipv4, ipv6, ...endpoint }) => ({
      name: networkLabel(endpoint),
      ...(ipv4 !== undefined && { ipv4 }),
      ...(ipv6 !== undefined && { ipv6 }),
    })),
    ...(withLive(record.endpoints, record.live).some(({ shape }) => shape !== undefined) && { shaped: true as const }),
    ...((record.live?.cuts ?? []).length > 0 && { cut: true as const }),
    ...(usage !== undefined && { usage }),
    ...(withHealth && { healthResults: health }),
    ...(traffic !== undefined && { traffic }),
    logPath,
    ...(errorLogPath !== undefined && { errorLogPath }),
    ...(spec.logDriver !== undefined && { logDriver: spec.logDriver }),
    ...(detail !== undefined && { detail }),
  };
}
