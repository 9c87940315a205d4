import type { ContainerSummary } from '../../daemon/api.ts';
import { shortId } from '../../model/short-id.ts';
import { formatAge } from './format.ts';
import { portText, statusText } from './ps.ts';
import { type Row, renderTemplate } from './template.ts';

type Field = (container: ContainerSummary, nowMs: number) => unknown;

/** The fields of Compose's `ps --format`, as far as there is something for them here. */
const FIELDS: Readonly<Record<string, Field>> = {
  ID: ({ stack, service, index }) => shortId({ stack, service, index }),
  Name: ({ name }) => name,
  Names: ({ name }) => name,
  Image: ({ image }) => image,
  Command: ({ command }) => JSON.stringify(command),
  Project: ({ stack }) => stack,
  Service: ({ service, oneOffOf }) => oneOffOf ?? service,
  CreatedAt: ({ createdAtMs }) => new Date(createdAtMs).toISOString(),
  RunningFor: ({ createdAtMs }, nowMs) => `${formatAge(nowMs - createdAtMs)} ago`,
  Status: (container, nowMs) => statusText(container, nowMs),
  State: ({ status }) => status,
  Health: ({ health }) => (health === 'none' ? '' : health),
  ExitCode: ({ exitCode }) => exitCode ?? 0,
  Ports: ({ status, ports }) => (status === 'running' ? ports.map(portText).join(', ') : ''),
  Publishers: ({ ports }) => ports,
  Networks: ({ networks }) => networks.map(({ name }) => name).join(','),
};

/** Containers by a template: `table {{.Name}}\t{{.Status}}`. Throws `usage`. */
export function renderByTemplate(containers: readonly ContainerSummary[], template: string, nowMs: number): string {
  const rows = containers.map(
    (container): Row =>
      Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, field(container, nowMs)])),
  );
  return renderTemplate(template, rows, Object.keys(FIELDS));
}
