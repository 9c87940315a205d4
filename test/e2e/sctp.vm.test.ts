import assert from 'node:assert/strict';
import { e2e } from '../helpers/e2e.ts';
import { output } from '../helpers/run.ts';

const SCTP = 'import socket as s; c = s.socket(s.AF_INET, s.SOCK_STREAM, 132)';
/** Says to each that comes whom it sees. */
const SERVER = `${SCTP}; c.bind(("0.0.0.0", 36412)); c.listen(8); print("listens", flush=True)
while True: p, a = c.accept(); p.send(a[0].encode()); p.close()`;
const ask = (host: string, port: number) =>
  `${SCTP}; c.settimeout(20); c.connect(("${host}", ${port})); print(c.recv(99).decode())`;

e2e(
  'SCTP: a published port from the machine itself and from a container, which keep their addresses',
  async (project) => {
    await output('modprobe', 'sctp');
    const server = JSON.stringify(['python3', '-c', SERVER]);
    project.write(`services:
  core: { command: ${server}, x-ready: "log:listens", ports: ["36499:36412/sctp"], networks: { default: { ipv4_address: 198.51.100.9 } } }
  mast: { command: [sleep, infinity], init: true, networks: { default: { ipv4_address: 198.51.100.10 } } }
networks: { default: { ipam: { config: [{ subnet: 198.51.100.0/24 }] } } }
`);
    await project.expect(0, 'up', '-d', '--wait');
    const fromMast = await project.expect(0, 'exec', 'mast', 'python3', '-c', ask('core', 36412));
    assert.equal(fromMast, '198.51.100.10\n');
    // The kernel masquerades what comes from the loopback address.
    assert.equal(await output('python3', '-c', ask('127.0.0.1', 36499)), '198.51.100.1\n');
    assert.equal(await output('python3', '-c', ask('198.51.100.1', 36499)), '198.51.100.1\n');
    await project.expect(0, 'plan', '--check');
  },
);
