import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Project, SHARED } from './e2e.ts';
import { output } from './run.ts';

/** The script that scores a container's isolation. */
export const PROBE = join(SHARED, 'security/container-probe.sh');

/** Runs the probe as a service with further keys; gives its output, line by line. */
export async function probeLines(project: Project, keys = ''): Promise<readonly string[]> {
  copyFileSync(PROBE, join(project.scratch, 'probe.sh'));
  const facts = await output('env', `PROBE_MARKER_DIR=${project.scratch}`, 'sh', PROBE, '--host-env');
  const environment = [...facts.matchAll(/^export (PROBE_\w+)='(.*)'$/gm)]
    .map(([, name, value]) => `      ${name}: ${JSON.stringify(value)}\n`)
    .join('');
  project.write(`services:
  probe:
${keys}    command: [timeout, '60', sh, /container-probe.sh]
    environment:
${environment}    volumes: ['./probe.sh:/container-probe.sh:ro']
`);
  await project.expect(0, 'up', '-d');
  await project.exited('probe');
  return (await project.logs('probe')).split('\n');
}
