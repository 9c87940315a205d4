import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface DockerRegistryOptions {
  /** A user "ann" with the password "secret". */
  readonly password?: boolean;
  /** Certificate and key, files. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface DockerRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): Promise<void>;
}

/** crypt(3), bcrypt: "secret". */
const HTPASSWD = 'ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

/** Debian's docker-registry on a free port of the loopback, with everything that it keeps below `directory`. */
export async function startDockerRegistry(
  directory: string,
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/htpasswd`, HTPASSWD);
  const config = {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${directory}/data` } },
    http: {
      addr: '127.0.0.1:0',
      ...(options.tls !== undefined && { tls: { certificate: options.tls.cert, key: options.tls.key } }),
    },
    ...(options.password === true && { auth: { htpasswd: { realm: 'test', path: `${directory}/htpasswd` } } }),
  };
  writeFileSync(`${directory}/config.yml`, JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', `${directory}/config.yml`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const host = await listening(child);
  return {
    host,
    async stop() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      if (child.exitCode === null && child.kill('SIGKILL')) await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    child.once('error', reject);
    child.once('close', () => reject(new Error(`docker-registry ended:\n${lines.join('\n')}`)));
    if (child.stderr === null) return reject(new Error('no standard error'));
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line);
      const [, host] = /listening on (127\.0\.0\.1:[0-9]+)/.exec(line) ?? [];
      if (host !== undefined) resolve(host);
    });
  });
}

/** undefined, or what is missing on this machine. */
export function missingProgram(...names: readonly string[]): string | false {
  const missing = names.filter((name) => {
    try {
      execFileSync('which', [name], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  return missing.length > 0 && `no ${missing.join(', ')}`;
}

/** A CA of its own, and a certificate for 127.0.0.1 and registry.test that it has signed. Files in `directory`. */
export function makeCertificates(directory: string): {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
} {
  mkdirSync(directory, { recursive: true });
  const [ca, cert, key] = [`${directory}/ca.crt`, `${directory}/server.crt`, `${directory}/server.key`] as const;
  const common = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const openssl = (...argv: string[]) => execFileSync('openssl', [...common, ...argv], { stdio: 'pipe' });
  openssl('-keyout', `${directory}/ca.key`, '-out', ca, '-subj', '/CN=tsstack test authority');
  const signed = [
    '-CA',
    ca,
    '-CAkey',
    `${directory}/ca.key`,
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:registry.test',
    '-addext',
    'basicConstraints=CA:FALSE',
  ];
  openssl('-keyout', key, '-out', cert, '-subj', '/CN=registry', ...signed);
  return { ca, cert, key };
}

/** Stands before a server and spoils what it answers. */
export interface SpoilingProxy {
  readonly host: string;
  /** Connections so far. */
  readonly count: () => number;
  stop(): Promise<void>;
}

/** `spoil`: bytes of each answer that get through, by connection; then it breaks off, or hangs. */
export async function startProxy(
  target: string,
  spoil: { readonly bytes: number; readonly hang?: boolean },
): Promise<SpoilingProxy> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    count += 1;
    const [address = '', port] = target.split(':');
    const upstream = connect(Number(port), address);
    for (const socket of [client, upstream])
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    let left = spoil.bytes;
    upstream.on('end', () => client.end());
    upstream.on('data', (data: Buffer) => {
      const part = data.subarray(0, left);
      left -= part.length;
      client.write(part);
      if (left > 0) return;
      upstream.pause();
      if (spoil.hang !== true) client.end(() => client.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
