import type { Project } from './e2e.ts';
import { run, until } from './run.ts';

/** Ends the daemon without a chance to clean up. */
export async function killDaemon(project: Project): Promise<void> {
  const { stdout } = await run([
    'curl',
    '-sS',
    '--unix-socket',
    `${process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack'}/daemon.sock`,
    'http://daemon/v1/version',
  ]);
  const { pid } = JSON.parse(stdout) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await until(`daemon of ${project.name} to be gone`, async () => {
    const state = await run(['ps', '-o', 'stat=', '-p', String(pid)]);
    return state.stdout.trim() === '' || state.stdout.startsWith('Z');
  });
}
