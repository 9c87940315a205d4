import type { Project } from './e2e.ts';
import { run, until } from './run.ts';

/** The process of the daemon that answers now. */
export async function daemonPid(): Promise<number> {
  const socket = `${process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack'}/daemon.sock`;
  const { stdout } = await run(['curl', '-sS', '--unix-socket', socket, 'http://daemon/v1/version']);
  return (JSON.parse(stdout) as { pid: number }).pid;
}

/** Ends the daemon without a chance to clean up. */
export async function killDaemon(project: Project): Promise<void> {
  const pid = await daemonPid();
  process.kill(pid, 'SIGKILL');
  await until(`daemon of ${project.name} to be gone`, async () => {
    const state = await run(['ps', '-o', 'stat=', '-p', String(pid)]);
    return state.stdout.trim() === '' || state.stdout.startsWith('Z');
  });
}
