import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ForwardProxyOptions {
  /** Where the hosts (`HOST:PORT`) lie that it knows. */
  readonly hosts: Readonly<Record<string, string>>;
  /** What Proxy-Authorization must be; absent: anybody may. */
  readonly authorization?: string;
  /** What it answers instead of making a tunnel. */
  readonly refuse?: number;
}

/** A proxy as of RFC 9110 on the loopback: tunnels by CONNECT, and plain HTTP passed on. */
export class ForwardProxy {
  /** What it was asked for, as `CONNECT HOST:PORT` or `GET http://HOST/PATH`. */
  readonly asked: string[] = [];
  readonly #options: ForwardProxyOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((asked, answer) => this.#forward(asked, answer));

  private constructor(options: ForwardProxyOptions) {
    this.#options = options;
    this.#server.on('connection', (socket: Socket) => this.#watch(socket));
    this.#server.on('connect', (asked: IncomingMessage, socket: Socket) => this.#tunnel(asked, socket));
  }

  static async start(options: ForwardProxyOptions): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket)));
  }

  #refusal({ headers }: IncomingMessage, host: string): number | undefined {
    const { authorization, refuse, hosts } = this.#options;
    if (authorization !== undefined && headers['proxy-authorization'] !== authorization) return 407;
    return refuse ?? (Object.hasOwn(hosts, host) ? undefined : 502);
  }

  #tunnel(asked: IncomingMessage, socket: Socket): void {
    const host = asked.url ?? '';
    this.asked.push(`CONNECT ${host}`);
    const status = this.#refusal(asked, host);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const [address = '', port] = (this.#options.hosts[host] ?? '').split(':');
    const upstream = connect(Number(port), address, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    this.#watch(upstream);
    socket.on('close', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
  }

  #forward(asked: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(asked.url ?? '', 'http://nobody');
    this.asked.push(`${asked.method} ${url.href}`);
    const host = `${url.hostname}:${url.port || 80}`;
    const status = this.#refusal(asked, host);
    if (status !== undefined) {
      answer.writeHead(status).end();
      return;
    }
    const target = new URL(`http://${this.#options.hosts[host]}${url.pathname}${url.search}`);
    const { 'proxy-authorization': _secret, ...headers } = asked.headers;
    const passed = request(target, { method: asked.method ?? 'GET', headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  }
}
