import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../src/model/container.ts';
import { insideDrift } from '../../src/network/inside.ts';
import { FakeHost } from '../helpers/fake-machine.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

// Files as Linux 6.1 prints them, shortened where nothing looks.
const ROUTE = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101470A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001470A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
`;
const TRIE = `Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.71.1.2
        /32 host LOCAL
`;
const DEV = 'Inter-|   Receive\n face |bytes\n    lo:       0\n  eth0:     876\n';
const INET6 = 'fd710006000000000000000000000002 02 40 00 80     eth0\n';
const ROUTE6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fd710006000000000000000000000001 00000400 00000001 00000000 00000003     eth0
`;

const web = endpointOf(keyOf('web'), networkOf('front', '10.71.1.0/24'), '10.71.1.2/24', { gateway4: '10.71.1.1' });
const { ipv4: _ipv4, gateway4: _gateway4, ...bare } = web;
const sixth: Endpoint = { ...bare, ipv6: 'fd71:6::2/64', gateway6: 'fd71:6::1' };

/** What is said of an endpoint, and which files were read. */
function look(files: Readonly<Record<string, string>>, endpoint: Endpoint = web): readonly [string[], string[]] {
  const read: string[] = [];
  const host = new FakeHost();
  host.readText = (path) => {
    const name = path.replace('/proc/7/net/', '');
    read.push(name);
    return files[name];
  };
  return [insideDrift(host, 7, [endpoint]).map(({ message }) => message), read.sort()];
}

const all = { route: ROUTE, fib_trie: TRIE, dev: DEV, if_inet6: INET6, ipv6_route: ROUTE6 };

test('insideDrift() reads only the two files of IPv4 where all is as it should be', () => {
  assert.deepEqual(look(all), [[], ['fib_trie', 'route']]);
});

test('insideDrift() reads those of IPv6 where an address is one, each once', () => {
  assert.deepEqual(look(all, sixth), [[], ['fib_trie', 'if_inet6', 'ipv6_route', 'route']]);
});

test('insideDrift() says what is missing: interface, address, its being up, the default route', () => {
  const head = ROUTE.split('\n', 1)[0] ?? '';
  const connected = ROUTE.replace(/^eth0\t00000000.*\n/m, '');
  const said = (files: Partial<Record<keyof typeof all, string>>, endpoint?: Endpoint) =>
    look({ ...all, ...files }, endpoint)[0][0];
  assert.match(said({ route: head, ipv6_route: '', dev: ' lo: 0\n' }) ?? '', /^eth0 \(of ts-web1-.*\) is missing/);
  assert.match(said({ fib_trie: 'Local:\n' }) ?? '', /^eth0 lacks address 10\.71\.1\.2\/24 /);
  assert.match(said({ route: head, ipv6_route: '' }) ?? '', /^eth0 is down /);
  assert.match(said({ route: connected, ipv6_route: '' }) ?? '', /^eth0 lacks the default route by 10\.71\.1\.1 /);
  assert.match(said({ if_inet6: '' }, sixth) ?? '', /^eth0 lacks address fd71:6::2\/64 /);
  assert.match(said({ ipv6_route: '' }, sixth) ?? '', /^eth0 lacks the default route by fd71:6::1 /);
});

test('insideDrift() says nothing of a process that is gone, or goes meanwhile', () => {
  assert.deepEqual(look({})[0], []);
  const { dev: _gone, ...rest } = all;
  assert.deepEqual(look({ ...rest, route: 'Iface\n' })[0], []);
});
