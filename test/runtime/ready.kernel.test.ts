import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RealHost } from '../../src/host/real-host.ts';
import { listeningOn } from '../../src/network/listening.ts';
import { readKernelFacts } from '../../src/runtime/kernel-facts.ts';
import { fileLook, httpLook, type Look } from '../../src/runtime/ready-program.ts';

const host = new RealHost();
const { arch } = readKernelFacts(host);
const skip = process.getuid?.() === 0 ? false : 'not root';
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

const run = (look: Look, timeoutMs = 10_000) =>
  host.probe(look.argv, look.launcher, { timeoutMs, outputLimitBytes: 64, single: true });

test('httpLook() prints the status of an answer, and says why there is none', { skip }, async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/a?b' && request.headers.host !== undefined ? 204 : 404;
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const at = (path: string) => httpLook(arch, process.pid, { address: LOOPBACK, port, path });
  try {
    assert.deepEqual(listeningOn(port, host.readText('/proc/self/net/tcp')), [{ family: 4, address: LOOPBACK }]);
    assert.deepEqual(await run(at('/a?b')), { exitCode: 0, output: 'HTTP/1.1 204' });
    assert.deepEqual(await run(at('/')), { exitCode: 0, output: 'HTTP/1.1 404' });
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
  const refused = await run(at('/'));
  assert.notEqual(refused.exitCode, 0);
  assert.match(at('/').explain(refused.output), /connect to port \d+: connection refused/);
});

test('httpLook() is killed at its timeout when nothing is answered', { skip }, async () => {
  const server = createTcpServer(() => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  try {
    const result = await run(httpLook(arch, process.pid, { address: LOOPBACK, port, path: '/' }), 100);
    assert.equal(result.exitCode, undefined);
  } finally {
    server.close();
    server.unref();
  }
});

test('fileLook() finds what is there, and not what a link only points to', { skip }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'look-'));
  try {
    symlinkSync('/nowhere/at/all', join(directory, 'link'));
    assert.equal((await run(fileLook(arch, process.pid, directory))).exitCode, 0);
    const look = fileLook(arch, process.pid, join(directory, 'link'));
    const { exitCode, output } = await run(look);
    assert.notEqual(exitCode, 0);
    assert.match(look.explain(output), /look for .*link: no such file/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
