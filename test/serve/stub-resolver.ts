import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { type DecodedPacket, decode, encode, type Packet, RECURSION_AVAILABLE } from 'dns-packet';

/** What a stub makes of a question; undefined: silence. */
export type Reply = (
  query: DecodedPacket,
  by: 'udp' | 'tcp',
) => (Packet & { readonly rcode?: number; readonly raw?: Buffer }) | undefined;

export interface StubResolver {
  readonly port: number;
  /** Questions that came: `udp name type`. */
  readonly asked: string[];
  close(): void;
}

/** A DNS server on a loopback address that answers by a function. */
export async function stubResolver(reply: Reply, address = '127.0.0.1', wantedPort = 0): Promise<StubResolver> {
  const asked: string[] = [];
  const answer = (packet: Buffer, by: 'udp' | 'tcp'): Buffer | undefined => {
    const query = decode(packet);
    const [question] = query.questions ?? [];
    asked.push(`${by} ${question?.name} ${question?.type}`);
    const made = reply(query, by);
    if (made?.raw !== undefined) return made.raw;
    if (made === undefined) return undefined;
    return encode({
      type: 'response',
      id: query.id ?? 0,
      questions: query.questions ?? [],
      ...made,
      flags: RECURSION_AVAILABLE | (made.flags ?? 0) | (made.rcode ?? 0),
    });
  };
  const tcp = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      const made = answer(chunk.subarray(2), 'tcp');
      if (made === undefined) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(made.length);
      socket.write(length);
      socket.end(made);
    });
  });
  await new Promise<void>((done) => tcp.listen(wantedPort, address, done));
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4');
  udp.on('message', (packet: Buffer, from: RemoteInfo) => {
    const made = answer(packet, 'udp');
    if (made !== undefined) udp.send(made, from.port, from.address);
  });
  await new Promise<void>((done) => udp.bind(port, address, done));
  return {
    port,
    asked,
    close: () => {
      udp.close();
      tcp.close();
    },
  };
}

/** Answers every question for an address with this one. */
export function always(data: string, ttl = 60): Reply {
  return ({ questions }) => ({ answers: [{ name: questions?.[0]?.name ?? '', type: 'A', ttl, data }] });
}
