import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { TsstackError } from '../../model/error.ts';
import { EXIT } from '../command.ts';

/**
 * Whether what is made in a container would have no owner there: its mounts know only the ids of its user namespace, and
 * the kernel lets nobody else make files (EOVERFLOW).
 */
export function needsContainerRoot(idBase: number): boolean {
  return idBase !== 0 && process.geteuid?.() !== idBase;
}

/** Runs this very command again as the container's user 0 is known to the host, with all our capabilities. */
export async function runAsContainerRoot(idBase: number): Promise<number> {
  const capabilities = ownCapabilities().join(',');
  const options = [
    '--clear-groups',
    '--pdeathsig=KILL',
    `--inh-caps=${capabilities}`,
    `--ambient-caps=${capabilities}`,
  ];
  const ids = [`--reuid=${idBase}`, `--regid=${idBase}`];
  const ours = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('setpriv', [...ids, ...options, '--', ...ours], { stdio: 'inherit' });
  return await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new TsstackError('missing-tool', `Cannot run setpriv (util-linux): ${cause.message}`, { cause })),
    );
    child.once('exit', (code, signal) =>
      resolve(code ?? (signal === null ? EXIT.failed : 128 + constants.signals[signal])),
    );
  });
}

/** As setpriv(1) takes them, by number: `+cap_0`, … */
function ownCapabilities(): readonly string[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => ((effective >> BigInt(bit)) & 1n) === 1n)
    .map((bit) => `+cap_${bit}`);
}
