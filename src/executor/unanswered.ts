import type { Listener } from '../model/observed.ts';
import type { FailedSocket } from '../model/served.ts';
import { listListeners } from '../network/inspect.ts';
import type { MachineContext } from './context.ts';

/** What of names is not answered by DNS, and who is in the way: one line each, for whoever makes a change. */
export async function unanswered({
  host,
  serving,
  outside,
}: Pick<MachineContext, 'host' | 'serving' | 'outside'>): Promise<readonly string[]> {
  if (serving === undefined) return [];
  if (serving.problem !== undefined) {
    return [`Names come from /etc/hosts alone: what answers them does not start: ${serving.problem}`];
  }
  const failed = serving.failed.filter(isMissed);
  if (failed.length === 0) return [];
  const listeners = await listListeners(host, outside);
  return failed.map((socket) => inWords(socket, holderOf(socket, listeners)));
}

/** A machine without IPv6 misses no ports of it. */
function isMissed({ use, address, code }: FailedSocket): boolean {
  const isGeneral = address === '::' || address === '::1';
  return !(use === 'relay' && isGeneral && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'));
}

function inWords({ use, address, port, protocol, code }: FailedSocket, holder: string | undefined): string {
  const reason = code !== 'EADDRINUSE' ? code : holder === undefined ? 'it is taken' : `${holder} has it`;
  if (use === 'relay') return `Port ${port}/${protocol} is not published on [${address}]: ${reason}`;
  return `Names asked for on ${address} come from /etc/hosts alone: port ${port}/${protocol} cannot be had: ${reason}`;
}

function holderOf({ protocol, address, port }: FailedSocket, listeners: readonly Listener[]): string | undefined {
  const every = address.includes(':') ? ['::'] : ['0.0.0.0', '::'];
  return listeners.find(
    (listener) =>
      listener.protocol === protocol && listener.port === port && [address, ...every].includes(listener.address),
  )?.owner;
}
