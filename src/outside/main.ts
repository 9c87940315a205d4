import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OutsideRequest, outsideSocket } from '../model/rootless.ts';
import { obtainCgroup } from './cgroups.ts';
import { obtainNamespaces } from './namespace.ts';
import { Outside } from './outside.ts';

/** How often it is looked whether anybody is left. */
const LOOK_MS = 100;
/** How often whether what is needed lives. */
const MEND_MS = 1000;
const MOST_REQUEST_BYTES = 4 * 2 ** 20;

/**
 * `outside DIRECTORY CLIENT`: what an ordinary user's namespaces need from outside of them (docs/rootless.md). Started by
 * the client of that id, as the same user; ends when nobody is inside any more.
 */
async function main(): Promise<void> {
  const [, , directory = '', client = ''] = process.argv;
  // What `ps` shows.
  process.title = 'tsstack outside';
  process.umask(0o077);
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const delegated = await obtainCgroup(directory, Number(client));
  const outside = new Outside(directory, await obtainNamespaces(directory), delegated);
  const server = createServer((socket) => listen(socket, outside));
  rmSync(outsideSocket(directory), { force: true });
  // The first client has come to enter: it is waited for.
  await outside.answer({ ask: 'enter', pid: Number(client) });
  server.listen({ path: outsideSocket(directory) });
  void keepMending(outside);
  while (outside.needed) await sleep(LOOK_MS);
  server.close();
  await outside.end();
  process.exit(0);
}

/** One after the other: what is started takes its time. What fails is told once, and tried again. */
async function keepMending(outside: Outside): Promise<void> {
  for (let told = ''; ; await sleep(MEND_MS)) {
    try {
      await outside.mend();
      told = '';
    } catch (error) {
      if (told !== String(error)) tell(error);
      told = String(error);
    }
  }
}

/** One request a connection: a line of JSON. */
function listen(socket: Socket, outside: Outside): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (part: string) => {
    text += part;
    if (text.length > MOST_REQUEST_BYTES) socket.destroy();
    else if (text.endsWith('\n')) void reply(socket, outside, text);
  });
}

async function reply(socket: Socket, outside: Outside, text: string): Promise<void> {
  try {
    socket.end(`${JSON.stringify(await outside.answer(JSON.parse(text) as OutsideRequest))}\n`);
  } catch (error) {
    socket.end(`${JSON.stringify({ failed: (error as Error).message })}\n`);
  }
}

function tell(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
}

main().catch((error: unknown) => {
  tell(error);
  process.exit(1);
});
