import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLinks, parseRoutes, parseRoutes6 } from '../../src/network/parse-ip.ts';
import { parseTables } from '../../src/network/parse-nft.ts';
import { parseListeners } from '../../src/network/parse-ss.ts';

describe('parse', () => {
  test('links: flags, master, addresses; entries of another form are left out', () => {
    const links = parseLinks([
      { ifname: 'ts-web1-a1b2c', flags: ['BROADCAST', 'UP'], master: 'ts-front-x', addr_info: [] },
      {
        ifname: 'ts-front-x',
        flags: [],
        addr_info: [{ family: 'inet', local: '10.1.2.1', prefixlen: 24 }, { local: 7 }],
      },
      {},
      null,
    ]);
    assert.deepEqual(
      [...links],
      [
        ['ts-web1-a1b2c', { up: true, master: 'ts-front-x', addresses: [] }],
        ['ts-front-x', { up: false, addresses: ['10.1.2.1/24'] }],
      ],
    );
    assert.equal(parseLinks('nonsense').size, 0);
  });

  test('routes: no default one, hosts as /32, devices of multipath routes', () => {
    const routes = parseRoutes([
      { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' },
      { dst: '10.1.2.0/24', dev: 'ts-front-x' },
      { dst: '100.64.0.7', dev: 'tailscale0' },
      { dst: '10.9.0.0/16', nexthops: [{ dev: 'wg0' }, { dev: 'wg1' }] },
    ]);
    assert.deepEqual(routes, [
      { destination: '10.1.2.0/24', device: 'ts-front-x' },
      { destination: '100.64.0.7/32', device: 'tailscale0' },
      { destination: '10.9.0.0/16', device: 'wg0' },
    ]);
  });

  test('IPv6 routes: no default, local, link-local, multicast and unreachable ones', () => {
    const zero = '0'.repeat(32);
    const line = (destination: string, prefix: string, flags: string, device: string) =>
      `${destination} ${prefix} ${zero} 00 ${zero} 00000400 00000001 00000000 ${flags}     ${device}`;
    const text = [
      line('fd000000000000000000000000000000', '40', '00000001', 'eth0'),
      line('fd000000000000000000000000000002', '80', '80200001', 'eth0'),
      line('fe800000000000000000000000000000', '40', '00000001', 'eth0'),
      line('ff000000000000000000000000000000', '08', '00000001', 'eth0'),
      line('20010db8000000000000000000000000', '20', '00200200', 'lo'),
      line(zero, '00', '00450003', 'eth0'),
    ].join('\n');
    assert.deepEqual(parseRoutes6(`${text}\n`), [{ destination: 'fd00::/64', device: 'eth0' }]);
    assert.deepEqual(parseRoutes6(''), []);
  });

  test('our nft table: bridges and ports; none at all is an empty one', () => {
    const packets = {
      nftables: [
        { metainfo: {} },
        { set: { name: 'bridges', elem: ['ts-front-x'] } },
        { set: { name: 'internal', elem: ['ts-vault-y'] } },
        { map: { name: 'ports4', elem: [[{ concat: ['tcp', 80] }, { concat: ['10.1.2.3', 8080] }]] } },
        { map: { name: 'ports4_at', elem: [[{ concat: ['127.0.0.1', 'udp', 53] }, { concat: ['10.1.2.3', 53] }]] } },
        { map: { name: 'ports6', elem: [[{ concat: ['sctp', 9] }, { concat: ['fd00::3', 9] }]] } },
      ],
    };
    const frames = { nftables: [{ set: { name: 'macs', elem: [{ concat: ['ts-web1-x', '02:42:0a:01:02:03'] }] } }] };
    const table = parseTables([packets, frames]);
    assert.ok(table.members.has('macs ts-web1-x . 02:42:0a:01:02:03'));
    assert.deepEqual([...table.bridges], ['ts-front-x']);
    assert.deepEqual(Object.fromEntries(table.publishedPorts), {
      'tcp * 80': '10.1.2.3 8080',
      'udp 127.0.0.1 53': '10.1.2.3 53',
      'sctp :: 9': 'fd00::3 9',
    });
    assert.equal(parseTables([undefined, undefined]).bridges.size, 0);
  });

  test('listeners: families, scopes, owners', () => {
    const text = `
udp   UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=300,fd=12))
tcp   LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:(("nginx",pid=12,fd=6),("nginx",pid=11,fd=6))
tcp   LISTEN 0      511                *:8080            *:*
tcp   LISTEN 0      128            [::1]:631          [::]:*    users:(("a b",pid=7,fd=1))
`;
    assert.deepEqual(parseListeners(text), [
      { protocol: 'udp', address: '127.0.0.53', port: 53, owner: 'systemd-resolve (pid 300)' },
      { protocol: 'tcp', address: '0.0.0.0', port: 80, owner: 'nginx (pid 12)' },
      { protocol: 'tcp', address: '::', port: 8080 },
      { protocol: 'tcp', address: '::1', port: 631, owner: 'a b (pid 7)' },
    ]);
  });
});
