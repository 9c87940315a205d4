import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { answers } from '../helpers/answers.ts';
import { freePort } from '../helpers/e2e.ts';
import { output, run, until } from '../helpers/run.ts';
import { rootless, type UserProject } from '../helpers/user-project.ts';
import { always, stubResolver } from '../serve/stub-resolver.ts';

const SLIRP = /slirp4netns --con/;
/** Of the machine, beside its loopback addresses. */
const MACHINE = '198.51.100.53';
/** slirp4netns(1): what would lead to the machine's loopback address. */
const GATEWAY = '10.0.2.2';
/** Says what became of it, so that a refusal is not taken for a program that did not run. */
const CONNECT = `import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print("connected")
except OSError as error: print("refused:", error)
`;

rootless(
  'slirp4netns is the way out of a whole stack where there is no pasta: to the machine, to names, not to its loopback',
  async (project) => {
    const [port, local] = [await freePort(), createServer().listen(0, '127.0.0.1')];
    await once(local, 'listening');
    await output('ip', 'address', 'add', `${MACHINE}/32`, 'dev', 'lo');
    const resolver = await stubResolver(always('203.0.113.5'), MACHINE, 53);
    try {
      takePasta(project);
      project.write(CONNECT, 'connect.py');
      project.write(`services:
  web:
    command: [python3, -m, http.server, -d, /etc, '8000']
    ports: ['${port}:8000']
  client:
    command: [sleep, '1000']
    volumes: ['./connect.py:/connect.py:ro']
`);
      await project.expect(0, 'up', '-d');
      await project.pidOf(SLIRP);
      await answers(`127.0.0.1:${port}`);
      const connect = (host: string, to: number) =>
        project.expect(0, 'exec', '-T', 'client', 'python3', '/connect.py', host, String(to));
      assert.equal(await connect(MACHINE, port), 'connected\n', "the machine's address, from inside");
      assert.equal(await connect('web', 8000), 'connected\n');
      const { port: closed } = local.address() as AddressInfo;
      assert.match(await connect(GATEWAY, closed), /^refused: /, "the machine's loopback, by the gateway");
      assert.match(await connect('127.0.0.1', closed), /^refused: /);
      const lookUp = ['python3', '-c', 'import socket; print(socket.gethostbyname("shop.example"))'];
      assert.equal(await project.expect(0, 'exec', '-T', 'client', ...lookUp), '203.0.113.5\n');
      assert.ok(
        resolver.asked.some((line) => line.includes('shop.example A')),
        resolver.asked.join('\n'),
      );
      await project.expect(0, 'down');
      await until('slirp4netns to end', async () => !(await project.processes()).some((line) => SLIRP.test(line)));
    } finally {
      resolver.close();
      local.close();
      await run(['ip', 'address', 'del', `${MACHINE}/32`, 'dev', 'lo']);
    }
  },
);

/** Takes pasta from the user's programs, and lets the machine ask the test for names. */
function takePasta(project: UserProject): void {
  const programs = join(project.scratch, 'programs');
  mkdirSync(programs);
  for (const name of readdirSync('/usr/bin')) {
    if (!/^(pasta|passt)/.test(name)) symlinkSync(`/usr/bin/${name}`, join(programs, name));
  }
  const resolv = join(project.scratch, 'resolv.conf');
  writeFileSync(resolv, `nameserver ${MACHINE}\n`);
  project.changes = `PATH_OF_USER=${programs}; mount --bind ${resolv} "$(readlink -f /etc/resolv.conf)"`;
}
