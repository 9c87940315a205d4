import assert from 'node:assert/strict';
import { e2e, freePort, http, type Project } from '../helpers/e2e.ts';
import { output, run, until } from '../helpers/run.ts';
import { type Reply, type StubResolver, stubResolver } from '../serve/stub-resolver.ts';

/** An address for a server of others: not a loopback one, which would be the container's own. */
const SERVER = '192.0.2.53';

/** A DNS server on an address that the machine has meanwhile on its loopback interface. */
async function withServer(reply: Reply, body: (server: StubResolver) => Promise<void>): Promise<void> {
  await output('ip', 'addr', 'add', `${SERVER}/32`, 'dev', 'lo');
  try {
    const server = await stubResolver(reply, SERVER, 53);
    try {
      await body(server);
    } finally {
      server.close();
    }
  } finally {
    await output('ip', 'addr', 'del', `${SERVER}/32`, 'dev', 'lo');
  }
}

const ZONE: Reply = ({ questions }) => {
  const [{ name = '', type = 'A' } = {}] = questions ?? [];
  const addresses: Readonly<Record<string, readonly string[]>> = {
    'other.example': ['192.0.2.200'],
    'short.example': ['192.0.2.201'],
    'big.example': Array.from({ length: 100 }, (_, index) => `192.0.2.${index}`),
  };
  const found = addresses[name];
  if (found === undefined) return { rcode: 3 };
  return { answers: type === 'A' ? found.map((data) => ({ name, type: 'A' as const, ttl: 60, data })) : [] };
};

async function hosts(project: Project, service: string, name: string): Promise<readonly string[]> {
  const { stdout } = await project.tsstack(['exec', service, 'getent', 'ahostsv4', name]);
  return [...new Set(stdout.split('\n').flatMap((line) => /^(\S+)\s+STREAM/.exec(line)?.[1] ?? []))];
}

e2e('names of others are asked of the servers of dns, and by nobody who has no way out', async (project) => {
  project.write(`services:
  web:
    command: [sleep, infinity]
    dns: [${SERVER}]
    dns_search: [example]
    dns_opt: ['timeout:3']
    extra_hosts: ['far.test:192.0.2.7', 'me.test:host-gateway']
  inside:
    command: [sleep, infinity]
    dns: [${SERVER}]
    networks: [closed]
  shares:
    command: [sleep, infinity]
    network_mode: service:web
networks:
  closed: {internal: true}
`);
  await withServer(ZONE, async (server) => {
    await project.expect(0, 'up', '-d');
    const resolv = await project.expect(0, 'exec', 'web', 'cat', '/etc/resolv.conf');
    assert.match(resolv, /^nameserver 10\.\S+\.1\nsearch example\noptions timeout:3 ndots:0\n$/);
    assert.equal(await project.expect(0, 'exec', 'shares', 'cat', '/etc/resolv.conf'), resolv);
    for (const service of ['web', 'shares']) {
      assert.deepEqual(await hosts(project, service, 'other.example'), ['192.0.2.200'], service);
    }
    assert.deepEqual(await hosts(project, 'web', 'short'), ['192.0.2.201'], 'dns_search');
    assert.equal((await hosts(project, 'web', 'big.example')).length, 100, 'by TCP');
    const asked = server.asked.length;
    assert.deepEqual(await hosts(project, 'web', 'other.example'), ['192.0.2.200']);
    assert.equal(server.asked.length, asked, 'kept meanwhile');

    const nslookup = async (service: string, name: string): Promise<string> =>
      (await project.tsstack(['exec', service, 'busybox', 'nslookup', '-type=a', name])).stdout;
    assert.match(await nslookup('web', 'far.test'), /Address: 192\.0\.2\.7/);
    assert.match(await nslookup('web', 'me.test'), /Address: 10\.\S+\.1\n/);
    assert.match(await nslookup('inside', 'other.example'), /NXDOMAIN/);
    await nslookup('web', 'gone.inside');
    assert.equal(server.asked.filter((each) => each.includes('other.example A')).length, 1);
    assert.ok(!server.asked.some((each) => /^\S+ (web|far.test|me.test|inside) /.test(each)), server.asked.join('\n'));
  });
});

e2e(
  'a published port answers on ::1 and on other IPv6 addresses, and no longer than its container runs',
  async (project) => {
    const [any, loopback, six] = [await freePort(), await freePort(), await freePort()];
    const stack = (owner: string): string => `services:
  ${owner}:
    command: [busybox, httpd, -f, -p, '80', -h, /etc]
    ports: ['${any}:80', '[::1]:${loopback}:80']
  dual:
    command: [busybox, httpd, -f, -p, '[::]:80', -h, /etc]
    ports: ['${six}:80']
    networks: [dual]
networks:
  dual: {enable_ipv6: true}
`;
    project.write(stack('web'));
    await output('ip', '-6', 'addr', 'add', 'fd00:99::1/128', 'dev', 'lo');
    try {
      await project.expect(0, 'up', '-d');
      const name = (host: string, port: number): Promise<string> =>
        until(`${host}:${port}`, () => http(`http://${host}:${port}/hostname`));
      const web = (await name('127.0.0.1', any)).trim();
      for (const host of ['[::1]', '[fd00:99::1]']) assert.equal((await name(host, any)).trim(), web, host);
      assert.equal((await name('[::1]', loopback)).trim(), web);
      await assert.rejects(http(`http://[fd00:99::1]:${loopback}/hostname`), 'published on ::1 only');
      const dual = (await name('127.0.0.1', six)).trim();
      for (const host of ['[::1]', '[fd00:99::1]']) assert.equal((await name(host, six)).trim(), dual, host);
      await project.expect(0, 'plan', '--check');

      await project.expect(0, 'stop', 'web');
      await assert.rejects(http(`http://[::1]:${any}/hostname`));
      await project.expect(0, 'start', 'web');
      assert.equal((await name('[::1]', any)).trim(), web);

      project.write(stack('other'));
      await project.expect(0, 'up', '-d', '--remove-orphans');
      assert.notEqual((await name('[::1]', any)).trim(), web, 'the port has another owner');
      await project.expect(0, 'plan', '--check');
      const listening = await run(['ss', '-Hlnt6']);
      assert.match(listening.stdout, new RegExp(`:${any}\\b`));
    } finally {
      await output('ip', '-6', 'addr', 'del', 'fd00:99::1/128', 'dev', 'lo');
    }
  },
);
