import { EXIT } from './command.ts';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
/** As `docker run` has it: whoever asks that often wants to leave, whatever becomes of the container. */
const PATIENCE = 3;

/** Passes our signals on until the function that it gives is called. The third SIGINT or SIGTERM ends us. */
export function forwardSignals(send: (signal: string) => void): () => void {
  let asked = 0;
  const handlers = FORWARDED.map((signal) => {
    const handler = (): void => {
      if (signal === 'SIGINT' || signal === 'SIGTERM') asked += 1;
      if (asked === PATIENCE) process.exit(EXIT.interrupted);
      send(signal);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return () => {
    for (const { signal, handler } of handlers) process.off(signal, handler);
  };
}
