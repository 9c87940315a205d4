import { realpathSync } from 'node:fs';
import type { Project } from './e2e.ts';

const METER = new URL('net-meter.mjs', import.meta.url).pathname;

/** A stack file: `web` answers, `db` measures; `more` are further keys of web, `below` further services. */
export function stackOf(more = '', db = '[sleep, infinity]', below = ''): string {
  const volumes = `volumes: ['${realpathSync(process.execPath)}:/node:ro', '${METER}:/meter.mjs:ro']`;
  return `services:
  web:
    command: [/node, /meter.mjs, serve, '7000']
    stop_grace_period: 0s
    ${volumes}
    x-ready: ['tcp:7000', 'tcp:7002']
    ${more}
  db:
    command: ${db}
    stop_grace_period: 0s
    ${volumes}
    depends_on: { web: { condition: service_healthy } }
${below}`;
}

/** Of its first network. */
export async function addressOf(project: Project, service: string): Promise<string> {
  return (await project.container(service)).networks[0]?.ipv4?.split('/')[0] ?? '';
}

/** What the meter finds, asked of `web` in `db`. */
export async function measure<Found>(project: Project, ...words: readonly string[]): Promise<Found> {
  const [verb = '', ...rest] = words;
  const address = await addressOf(project, 'web');
  return JSON.parse(await project.expect(0, 'exec', 'db', '/node', '/meter.mjs', verb, address, '7000', ...rest));
}
