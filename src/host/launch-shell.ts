import { spawn } from 'node:child_process';
import { TsstackError } from '../model/error.ts';

/**
 * Starts a launch script in a session of its own and waits until its status pipe (descriptor 3) is closed: without a
 * byte when the program was executed, with the launcher's report when it could not be. The script outlives us.
 *
 * Throws `launch-failed` with the report, a Uint8Array, as `cause`; `timeout` when the pipe stays open.
 */
export function launchScript(script: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', [script], {
      detached: true,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const report: Uint8Array[] = [];
    const status = child.stdio[3];
    const timer = setTimeout(() => {
      status?.destroy();
      reject(new TsstackError('timeout', `The container did not start within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new TsstackError('launch-failed', `Cannot run the launch script: ${error.message}`, { cause: error }));
    });
    status?.on('data', (chunk: Uint8Array) => report.push(chunk));
    status?.on('error', () => undefined);
    status?.on('close', () => {
      clearTimeout(timer);
      child.unref();
      if (report.length === 0) resolve();
      else reject(new TsstackError('launch-failed', 'The container did not start', { cause: Buffer.concat(report) }));
    });
  });
}
