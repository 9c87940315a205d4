import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import { createNetwork, restoreHost } from '../../src/network/bridge.ts';
import { createSandbox, removeSandbox } from '../../src/network/endpoint.ts';
import { macFor } from '../../src/network/mac.ts';
import {
  clearStalePorts,
  portTargets,
  publishPorts,
  relayTargets,
  rootlessTargets,
  unpublishPorts,
} from '../../src/network/ports.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

const key = keyOf('web');
const front = networkOf('front', '10.71.1.0/24');
const endpoint = endpointOf(key, front, '10.71.1.2/24');

function lines(ops: readonly HostOp[]): readonly string[] {
  return ops.map((op) => {
    if (op.op === 'ip') return `${op.netns === undefined ? 'ip' : `ip -n ${op.netns}`} ${op.args.join(' ')}`;
    if (op.op === 'nft') return `nft ${op.script.trim()}`;
    if (op.op === 'run') return `run ${op.argv.join(' ')}`;
    return op.op === 'write-in-place' ? `${op.path} = ${op.data}` : op.op;
  });
}

describe('endpoints', () => {
  test('createSandbox() bears the pair in its namespace and names it in its alias', () => {
    const veth = endpoint.hostInterface;
    const [guard, ...rest] = lines(createSandbox(key, [endpoint]));
    assert.match(guard ?? '', /^nft add element bridge tsstack macs .* 02:42:0a:47:01:02 }/, 'the guard comes first');
    assert.deepEqual(rest, [
      'ip netns add ts-demo.web.1',
      `ip link add name ${veth} type veth peer name eth0 address 02:42:0a:47:01:02 netns ts-demo.web.1`,
      `ip link set dev ${veth} master ${front.bridge} addrgenmode none alias tsstack demo service.web[1] front up`,
      `ip link set dev ${veth} type bridge_slave hairpin on`,
      'ip -n ts-demo.web.1 link set dev lo up',
      'ip -n ts-demo.web.1 link set dev eth0 addrgenmode none',
      'ip -n ts-demo.web.1 addr replace 10.71.1.2/24 broadcast + dev eth0',
      'ip -n ts-demo.web.1 link set dev eth0 up',
      'ip -n ts-demo.web.1 route replace default via 10.71.1.1 dev eth0',
    ]);
  });

  test('a container without networks has loopback only', () => {
    assert.deepEqual(lines(createSandbox(key, [])), [
      'ip netns add ts-demo.web.1',
      'ip -n ts-demo.web.1 link set dev lo up',
    ]);
  });

  test('the MTU of the network and a chosen hardware address reach both ends', () => {
    const [, , add] = lines(createSandbox(key, [{ ...endpoint, mtu: 1400, macAddress: '02:00:00:00:00:07' }]));
    assert.match(add ?? '', /mtu 1400 type veth peer name eth0 address 02:00:00:00:00:07 mtu 1400 netns/);
  });

  test('settings of an interface come before its addresses, link-local ones among them, and it comes up last', () => {
    const made = lines(
      createSandbox(key, [
        {
          ...endpoint,
          linkLocal: ['169.254.8.8/16', 'fe80::8/64'],
          sysctls: { 'net.ipv4.conf.eth0.log_martians': '1' },
          isolated: true,
        },
      ]),
    );
    assert.deepEqual(made.slice(4), [
      `ip link set dev ${endpoint.hostInterface} type bridge_slave hairpin on isolated on`,
      'ip -n ts-demo.web.1 link set dev lo up',
      'run ip netns exec ts-demo.web.1 sh -c printf %s "$2" >"$1" sh /proc/sys/net/ipv4/conf/eth0/log_martians 1',
      'ip -n ts-demo.web.1 link set dev eth0 addrgenmode none',
      'ip -n ts-demo.web.1 addr replace 10.71.1.2/24 broadcast + dev eth0',
      'ip -n ts-demo.web.1 addr replace 169.254.8.8/16 scope link dev eth0',
      'ip -n ts-demo.web.1 addr replace fe80::8/64 scope link dev eth0 nodad',
      'ip -n ts-demo.web.1 link set dev eth0 up',
      'ip -n ts-demo.web.1 route replace default via 10.71.1.1 dev eth0',
    ]);
  });

  test('a kernel without IPv6 is asked for nothing of it', () => {
    assert.doesNotMatch(lines(createSandbox(key, [endpoint], { ipv6: false })).join('\n'), /addrgenmode/);
  });

  test('removeSandbox() deletes the namespace alone: links deleted one by one cost 20 ms each', () => {
    assert.deepEqual(lines(removeSandbox(key, [])), ['ip netns del ts-demo.web.1']);
  });

  test('macFor() is 02:42 and the address', () => {
    assert.equal(macFor('10.1.2.3'), '02:42:0a:01:02:03');
    assert.equal(macFor('192.168.255.0'), '02:42:c0:a8:ff:00');
    assert.equal(macFor('fd00:5::1:2'), '02:42:00:01:00:02');
  });
});

describe('networks', () => {
  test('createNetwork() has its rules in place before the bridge is up', () => {
    const ops = lines(createNetwork(front));
    const rules = ops.findIndex((line) => line.startsWith('nft') && line.includes('element inet tsstack bridges'));
    const up = ops.indexOf(`ip link set dev ${front.bridge} up`);
    assert.ok(rules >= 0 && rules < up);
    assert.equal(up, ops.length - 1);
  });

  test('a network brought up to date loses what its old form had in the sets, and gets the MTU of the kernel back', () => {
    const opts = {
      'com.docker.network.driver.mtu': '1400',
      'com.docker.network.bridge.enable_ip_masquerade': 'false',
      'com.docker.network.bridge.enable_icc': '0',
      'com.docker.network.bridge.gateway_mode_ipv4': 'routed',
    };
    const other = { ...front, driverOptions: opts };
    const there = lines(createNetwork(other, front)).join('\n');
    assert.match(there, /mtu 1400 alias/);
    assert.match(there, /add element inet tsstack routed4/);
    assert.match(there, /delete element inet tsstack masqueraded/);
    assert.match(there, /delete element inet tsstack same/);
    const back = lines(createNetwork(front, other)).join('\n');
    assert.match(back, /mtu 1500 alias/);
    assert.match(back, /delete element inet tsstack routed4/);
    assert.doesNotMatch(back, /delete element inet tsstack (same|masqueraded|bridges)/);
    assert.doesNotMatch(lines(createNetwork(front)).join('\n'), /mtu|delete/);
  });

  test('an internal network is not masqueraded', () => {
    const script = lines(createNetwork({ ...front, internal: true })).join('\n');
    assert.match(script, /element inet tsstack internal/);
    assert.doesNotMatch(script, /element inet tsstack masqueraded/);
  });

  test('IPv6 forwarding is switched on by a network that needs it only: a forwarding host hears no router', () => {
    const forwarding = '/proc/sys/net/ipv6/conf/all/forwarding = 1';
    assert.ok(!lines(createNetwork(front)).includes(forwarding));
    const dual = { ...front, subnet6: 'fd00:1::/64', gateway6: 'fd00:1::1' };
    assert.ok(lines(createNetwork(dual)).includes(forwarding));
    assert.ok(!lines(createNetwork({ ...dual, internal: true })).includes(forwarding));
  });

  test('restoreHost() puts back only what was otherwise', () => {
    const off = {
      ipv4Forward: '0',
      ipv4AcceptRedirects: '0',
      ipv6Forward: '0',
      netnsMounted: false,
      netnsDirectory: false,
      netnsCount: 0,
    };
    const on = { ...off, ipv4Forward: '1', ipv6Forward: '1', netnsMounted: true, netnsDirectory: true };
    const table = ['inet', 'bridge']
      .map((family) => `add table ${family} tsstack\ndelete table ${family} tsstack`)
      .join('\n')
      .replace(/^/, 'nft ');
    assert.deepEqual(lines(restoreHost(on, on)), [table]);
    assert.deepEqual(lines(restoreHost(off, { ...on, ipv6Forward: '0' })), [
      table,
      '/proc/sys/net/ipv4/ip_forward = 0',
      '/proc/sys/net/ipv4/conf/all/accept_redirects = 0',
      'run umount /run/netns',
      'rmdir',
    ]);
    assert.ok(
      !lines(restoreHost(off, { ...on, netnsCount: 1 }))
        .join()
        .includes('umount'),
      'someone has a namespace there',
    );
  });
});

describe('published ports', () => {
  const port = { protocol: 'tcp', hostPort: 8080, containerPort: 80 } as const;
  const dual = { ...endpoint, ipv6: 'fd00:1::2/64' };

  test('portTargets() covers both families where the container has both', () => {
    assert.deepEqual(Object.fromEntries(portTargets([port], [dual])), {
      'tcp * 8080': '10.71.1.2 80',
      'tcp :: 8080': 'fd00:1::2 80',
    });
    assert.deepEqual([...portTargets([{ ...port, hostIp: '0.0.0.0' }], [dual])], [['tcp * 8080', '10.71.1.2 80']]);
    assert.deepEqual([...portTargets([{ ...port, hostIp: '::1' }], [endpoint])], []);
  });

  test('rootlessTargets() is every port, at the addresses that the file names', () => {
    const listening = (hostIp: string | undefined, endpoints = [endpoint]) =>
      rootlessTargets(
        [{ protocol: 'tcp', hostPort: 8080, containerPort: 80, ...(hostIp !== undefined && { hostIp }) }],
        endpoints,
      ).map(({ address, port, target }) => `${address} ${port} ${target.address} ${target.port}`);
    const to = '8080 10.71.1.2 80';
    assert.deepEqual(listening(undefined), [`0.0.0.0 ${to}`, `:: ${to}`]);
    assert.deepEqual(listening('127.0.0.1'), [`127.0.0.1 ${to}`]);
    assert.deepEqual(listening('::1'), [`::1 ${to}`]);
    const { gateway4: _none, ...inside } = endpoint;
    assert.deepEqual(
      listening(undefined, [inside]),
      [`127.0.0.1 ${to}`, `::1 ${to}`],
      'no way out: for the machine alone',
    );
  });

  test('relayTargets() is what portTargets() cannot lead: ::1, and IPv6 to a container without it', () => {
    const relay = (address: string, target: string) => ({
      protocol: 'tcp',
      address,
      port: 8080,
      target: { address: target, port: 80 },
    });
    const at = (hostIp: string) => [{ ...port, hostIp }];
    assert.deepEqual(relayTargets([port], [endpoint]), [relay('::', '10.71.1.2')]);
    assert.deepEqual(relayTargets(at('::'), [endpoint]), [relay('::', '10.71.1.2')]);
    assert.deepEqual(relayTargets(at('fd00:9::9'), [endpoint]), [relay('fd00:9::9', '10.71.1.2')]);
    for (const own of [port, ...at('::'), ...at('::1')]) {
      const [target] = relayTargets([own], [dual]);
      assert.deepEqual(target, relay('::1', dual.ipv6?.split('/')[0] ?? ''));
    }
    assert.deepEqual([...portTargets(at('::1'), [dual])], []);
    for (const none of [...at('127.0.0.1'), ...at('0.0.0.0'), { ...port, protocol: 'sctp' as const }]) {
      assert.deepEqual(relayTargets([none], [endpoint]), []);
    }
    assert.deepEqual(relayTargets(at('fd00:9::9'), [dual]), [], 'the kernel leads there');
    const { gateway4: _none, ...inside } = endpoint;
    assert.deepEqual(relayTargets([port], [inside]), [relay('::1', '10.71.1.2')], 'no way in from outside');
  });

  test('portTargets() chooses the network of the default route', () => {
    const inner = endpointOf(key, networkOf('vault', '10.71.3.0/24', { internal: true }), '10.71.3.2/24');
    assert.equal(portTargets([port], [inner, endpoint]).get('tcp * 8080'), '10.71.1.2 80');
    assert.equal(portTargets([port], [inner]).get('tcp * 8080'), '10.71.3.2 80');
  });

  test('unpublishPorts() adds before it deletes, so that what is gone is no error', () => {
    const element = 'element inet tsstack ports4_at { 127.0.0.1 . udp . 53 : 10.71.1.2 . 5353 }';
    const ports = [{ protocol: 'udp', hostIp: '127.0.0.1', hostPort: 53, containerPort: 5353 }] as const;
    assert.deepEqual(lines(publishPorts(key, ports, [endpoint])), [`nft add ${element}`]);
    assert.deepEqual(lines(unpublishPorts(key, ports, [endpoint])), [`nft add ${element}\ndelete ${element}`]);
    assert.deepEqual(publishPorts(key, [], [endpoint]), []);
  });

  test('clearStalePorts() takes away what leads elsewhere and nothing else', () => {
    const state = new Map([
      ['tcp * 8080', '10.71.1.99 80'],
      ['tcp * 9090', '10.71.1.99 80'],
    ]);
    const [line] = lines(clearStalePorts(state, [port], [endpoint]));
    assert.match(line ?? '', /delete element inet tsstack ports4 \{ tcp \. 8080 : 10\.71\.1\.99 \. 80 \}$/);
    assert.deepEqual(clearStalePorts(new Map([['tcp * 8080', '10.71.1.2 80']]), [port], [endpoint]), []);
  });
});
