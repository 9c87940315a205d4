import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Project, SHARED } from './e2e.ts';
import { output } from './run.ts';

/** The script that scores a container's isolation. */
export const PROBE = join(SHARED, 'security/container-probe.sh');

/** How it is run in a container of `writeProbe()`. */
export const PROBE_ARGV: readonly string[] = ['timeout', '60', 'sh', '/container-probe.sh'];

/** Keys of a service that gives away what it can, all but a user namespace. */
export const STRICT = `    read_only: true
    user: '65532:65532'
    cap_drop: [ALL]
    security_opt: ['no-new-privileges:true']
    mem_limit: 256m
    pids_limit: 100
    tmpfs: ['/tmp:exec,mode=1777']
`;

/** Writes the stack of one service, `probe`, that has the script and what it must know of the host. */
export async function writeProbe(project: Project, keys: string, command = PROBE_ARGV): Promise<void> {
  copyFileSync(PROBE, join(project.scratch, 'probe.sh'));
  const facts = await output('env', `PROBE_MARKER_DIR=${project.scratch}`, 'sh', PROBE, '--host-env');
  const environment = [...facts.matchAll(/^export (PROBE_\w+)='(.*)'$/gm)]
    .map(([, name, value]) => `      ${name}: ${JSON.stringify(value)}\n`)
    .join('');
  project.write(`services:
  probe:
${keys}    command: ${JSON.stringify(command)}
    environment:
${environment}    volumes: ['./probe.sh:/container-probe.sh:ro', './:/out']
`);
}

/** Runs the probe as a service with further keys; gives its output, line by line. */
export async function probeLines(project: Project, keys = ''): Promise<readonly string[]> {
  await writeProbe(project, keys);
  await project.expect(0, 'up', '-d');
  await project.exited('probe');
  return (await project.logs('probe')).split('\n');
}

/** What the probe found, without the details: `PASS core.ns.mnt`. */
export function verdicts(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => /^(?:PASS|FAIL|SKIP) \S+/.exec(line)?.[0] ?? []);
}

/** Names of the checks that failed, but for the one that asks the machine for AppArmor or SELinux. */
export function failures(lines: readonly string[]): readonly string[] {
  return verdicts(lines)
    .filter((verdict) => verdict.startsWith('FAIL '))
    .map((verdict) => verdict.slice('FAIL '.length))
    .filter((name) => name !== 'hard.lsm.confined');
}
