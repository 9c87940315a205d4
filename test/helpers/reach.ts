import { execFileSync } from 'node:child_process';
import { type Agent, startAgentBy } from './net-agent.ts';

/** Makes of a command the one that runs it in a network namespace. */
export type Enter = (argv: readonly string[]) => readonly string[];

/** Containers of test/e2e/reach/stack.yaml. */
export const CONTAINERS = ['front', 'api', 'db', 'vault', 'key', 'dual', 'six'] as const;

/** How long an answer may take; who is not answered by then is not reached. */
const PATIENCE_MS = 4000;

const HOST = { 4: '198.51.100.1', 6: 'fd31:ff::1' } as const;
const PEER = { 4: '198.51.100.9', 6: 'fd31:ff::9' } as const;
const PEER_NETNS = 'reach-peer';

/** Who has which address, as the table calls them. */
const NAMES: Readonly<Record<string, string>> = {
  '10.231.1.11': 'front',
  '10.231.1.12': 'api',
  '10.231.2.12': 'api',
  '10.231.2.13': 'db',
  '10.231.3.14': 'vault',
  '10.231.3.15': 'key',
  '10.231.4.16': 'dual',
  '10.231.4.17': 'six',
  'fd31:4::16': 'dual',
  'fd31:4::17': 'six',
  '10.231.1.1': 'gateway',
  '10.231.2.1': 'gateway',
  '10.231.3.1': 'gateway',
  '10.231.4.1': 'gateway',
  'fd31:4::1': 'gateway',
  [HOST[4]]: 'host',
  [HOST[6]]: 'host',
  '127.0.0.1': 'host',
  '::1': 'host',
  [PEER[4]]: 'peer',
  [PEER[6]]: 'peer',
};

interface Row {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly udp: boolean;
  /** Who has something there to call; absent: all. */
  readonly from?: readonly string[];
}

const PORT = { container: 80, host: 9100, loopback: 9101, peer: 9200 } as const;
const LOOPBACK = ['host'];

const both = (name: string, host: string, port: number, from?: readonly string[]): readonly Row[] =>
  [false, true].map((udp) => ({
    name: `${name} ${udp ? 'udp' : 'tcp'}`,
    host,
    port,
    udp,
    ...(from !== undefined && { from }),
  }));
const tcp = (name: string, host: string, port: number, from?: readonly string[]): readonly Row[] =>
  both(name, host, port, from).slice(0, 1);

const ROWS: readonly Row[] = [
  ...both('front', '10.231.1.11', PORT.container),
  ...both('api on a', '10.231.1.12', PORT.container),
  ...both('api on b', '10.231.2.12', PORT.container),
  ...both('db', '10.231.2.13', PORT.container),
  ...both('vault', '10.231.3.14', PORT.container),
  ...both('key', '10.231.3.15', PORT.container),
  ...both('dual', '10.231.4.16', PORT.container),
  ...both('dual by IPv6', 'fd31:4::16', PORT.container),
  ...both('six', '10.231.4.17', PORT.container),
  ...both('six by IPv6', 'fd31:4::17', PORT.container),
  ...both('front’s port 8080 on the host', HOST[4], 8080),
  ...both('front’s port 8080 on the host by IPv6', HOST[6], 8080),
  ...both('front’s port 8080 on the gateway of a', '10.231.1.1', 8080),
  ...both('front’s port 8080 on 127.0.0.1', '127.0.0.1', 8080, LOOPBACK),
  ...both('front’s port 8080 on ::1', '::1', 8080, LOOPBACK),
  ...tcp('front’s port of 127.0.0.1 there', '127.0.0.1', 8081, LOOPBACK),
  ...tcp('front’s port of 127.0.0.1 on the host', HOST[4], 8081),
  ...tcp('front’s port of ::1 there', '::1', 8082, LOOPBACK),
  ...tcp('vault’s port 8090 on the host', HOST[4], 8090),
  ...tcp('vault’s port 8090 on the gateway of its network', '10.231.3.1', 8090),
  ...tcp('vault’s port 8090 on 127.0.0.1', '127.0.0.1', 8090, LOOPBACK),
  ...both('dual’s port 8070 on the host', HOST[4], 8070),
  ...both('dual’s port 8070 on the host by IPv6', HOST[6], 8070),
  ...both('dual’s port 8070 on 127.0.0.1', '127.0.0.1', 8070, LOOPBACK),
  ...both('dual’s port 8070 on ::1', '::1', 8070, LOOPBACK),
  ...both('the host', HOST[4], PORT.host),
  ...both('the host by IPv6', HOST[6], PORT.host),
  ...both('the host by the gateway of a', '10.231.1.1', PORT.host),
  ...both('the host by the gateway of the internal network', '10.231.3.1', PORT.host),
  ...both('the host by the gateway of six by IPv6', 'fd31:4::1', PORT.host),
  ...both('the peer', PEER[4], PORT.peer),
  ...both('the peer by IPv6', PEER[6], PORT.peer),
];

export interface ReachPlaces {
  readonly host: Enter;
  readonly container: (service: string) => Enter;
}

/**
 * Tries every cell with real packets. A row is who is called, a column who calls; a cell is who the called one sees, `-`
 * when there is no answer. Another machine is a namespace that is linked to the host, and routes all to it.
 */
export async function tryReach({ host, container }: ReachPlaces): Promise<string> {
  const agents = new Map<string, Agent>();
  linkPeer(host);
  try {
    const peer: Enter = (argv) => host(['ip', 'netns', 'exec', PEER_NETNS, ...argv]);
    for (const name of CONTAINERS) agents.set(name, startAgentBy(container(name)));
    agents.set('host', startAgentBy(host));
    agents.set('peer', startAgentBy(peer));
    await listenAll(agents);
    const columns = await Promise.all([...agents].map(([name, agent]) => column(name, agent)));
    return format([...agents.keys()], columns);
  } finally {
    await Promise.all([...agents.values()].map((agent) => agent.close()));
    exec(host(['ip', 'netns', 'del', PEER_NETNS]));
  }
}

function linkPeer(host: Enter): void {
  const ip = (...words: string[]): void => exec(host(['ip', ...words]));
  const inside = (...words: string[]): void => ip('-n', PEER_NETNS, ...words);
  ip('netns', 'add', PEER_NETNS);
  ip('link', 'add', 'name', 'reach-wan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', PEER_NETNS);
  ip('addr', 'add', `${HOST[4]}/24`, 'dev', 'reach-wan');
  ip('addr', 'add', `${HOST[6]}/64`, 'dev', 'reach-wan', 'nodad');
  ip('link', 'set', 'dev', 'reach-wan', 'up');
  inside('link', 'set', 'dev', 'lo', 'up');
  inside('addr', 'add', `${PEER[4]}/24`, 'dev', 'eth0');
  inside('addr', 'add', `${PEER[6]}/64`, 'dev', 'eth0', 'nodad');
  inside('link', 'set', 'dev', 'eth0', 'up');
  inside('route', 'add', 'default', 'via', HOST[4]);
  inside('route', 'add', 'default', 'via', HOST[6]);
}

function exec([command = '', ...args]: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function listenAll(agents: ReadonlyMap<string, Agent>): Promise<void> {
  for (const [name, agent] of agents) {
    const port = name === 'host' ? PORT.host : name === 'peer' ? PORT.peer : PORT.container;
    await agent.listen('::', port);
    await agent.listenUdp('::', port);
    if (name === 'host') await agent.listen('127.0.0.1', PORT.loopback);
  }
}

async function column(name: string, agent: Agent): Promise<readonly string[]> {
  const rows = ROWS.filter(({ from }) => from === undefined || from.includes(name));
  const calls = rows.map(({ host, port, udp }) => ({ host, port, udp, patienceMs: PATIENCE_MS }));
  const answers = new Map((await agent.callAll(calls)).map((answer, index) => [rows[index], answer]));
  return ROWS.map((row) => {
    const answer = answers.get(row);
    if (answer === undefined) return '';
    // What nobody else has is one more address of the host.
    return /^E[A-Z]+$/.test(answer) ? '-' : (NAMES[answer] ?? 'host');
  });
}

function format(sources: readonly string[], columns: readonly (readonly string[])[]): string {
  const lines = [
    ['called', ...sources],
    ...ROWS.map(({ name }, index) => [name, ...columns.map((cells) => cells[index] ?? '')]),
  ];
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0))) ?? [];
  const text = lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n`;
}
