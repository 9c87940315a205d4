import { control } from './control.ts';
import { openersOfParent } from './relay/openers.ts';
import { Serve } from './serve.ts';

/**
 * `serve SOCKET`: answers names for as long as there are networks, whether the daemon lives or not. Started by the daemon
 * as nobody, with the one right to open ports below 1024; it reads no file but /etc/resolv.conf.
 */
async function main(): Promise<void> {
  const path = process.argv[2] ?? '';
  // What `ps` shows.
  process.title = 'tsstack serve';
  process.umask(0o077);
  const serve = new Serve(openersOfParent());
  const end = (): void => {
    serve.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  // Of the terminal that a daemon was started from.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  await control(path, serve, end);
  // Whoever has started us waits for it, and hears nothing more.
  process.stdout.write('ready\n', () => process.stdout.destroy());
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  process.exit(1);
});
