import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, problemsOf } from './load-text.ts';

const SERVICES = 'services:\n  a: {image: i, ports: ["8080:80", "0.0.0.0:8081:81", "[::1]:8082:82", {target: 83}]}\n';

/** Addresses of the service's ports, in order. */
function addresses(text: string, env: Readonly<Record<string, string>> = {}): readonly (string | undefined)[] {
  return loadText(text, { env }).stack.services['a']?.ports.map(({ hostIp }) => hostIp) ?? [];
}

test('ports that name no address get the default of the file, else the one of the user', () => {
  assert.deepEqual(addresses(SERVICES), [undefined, '0.0.0.0', '::1', undefined]);
  const named = ['0.0.0.0', '::1'];
  assert.deepEqual(addresses(`x-default-host-ip: 127.0.0.1\n${SERVICES}`), ['127.0.0.1', ...named, '127.0.0.1']);
  const env = { TSSTACK_DEFAULT_HOST_IP: '127.0.0.2' };
  assert.deepEqual(addresses(SERVICES, env), ['127.0.0.2', ...named, '127.0.0.2']);
  assert.deepEqual(addresses(`x-default-host-ip: 0.0.0.0\n${SERVICES}`, env), ['0.0.0.0', ...named, '0.0.0.0']);
  assert.deepEqual(addresses(`x-default-host-ip: "\${HERE:-::1}"\n${SERVICES}`), ['::1', ...named, '::1']);
});

test('two services share a port number where the default keeps their addresses apart', () => {
  const services = 'services:\n  a: {image: i, ports: ["8080:80"]}\n  b: {image: i, ports: ["127.0.0.2:8080:80"]}\n';
  assert.equal(problemsOf(services)[0]?.code, 'conflict.port');
  assert.deepEqual(addresses(`x-default-host-ip: 127.0.0.1\n${services}`), ['127.0.0.1']);
});

test('what is no address is an error at its place', () => {
  const [problem] = problemsOf(`x-default-host-ip: localhost\n${SERVICES}`);
  assert.equal(problem?.message, 'x-default-host-ip must be an address of this machine, not "localhost"');
  assert.deepEqual([problem?.position?.line, problem?.position?.column], [1, 20]);
  const [byUser] = problemsOf(SERVICES, { env: { TSSTACK_DEFAULT_HOST_IP: '10.0.0' } });
  assert.match(byUser?.message ?? '', /^TSSTACK_DEFAULT_HOST_IP must be/);
});
