/**
 * States in which somebody still waits for an answer, or has not got all of it (include/net/tcp_states.h): established,
 * SYN received, FIN_WAIT1 (the rest of an answer is under way), CLOSE_WAIT (the client has said all that it had to say),
 * LAST_ACK.
 */
const BUSY = new Set(['01', '03', '04', '08', '09']);

/** Connections to these local ports in a table as /proc/net/tcp (proc_pid_net(5)) shows it. */
export function countConnections(table: string, ports: ReadonlySet<number>): number {
  let count = 0;
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state = ''] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16);
    if (BUSY.has(state) && ports.has(port)) count += 1;
  }
  return count;
}
