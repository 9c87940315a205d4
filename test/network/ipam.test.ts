import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressToNumber, parseBlock } from '../../src/network/cidr.ts';
import {
  allocateAddress,
  allocateSubnet,
  allocateSubnet6,
  bridgeName,
  createAddressPool,
  DEFAULT_POOLS,
  defaultGateway,
  hostInterfaceName,
  isInside,
  subnetsOverlap,
} from '../../src/network/ipam.ts';

const address = fc.nat(0xffffffff).map((value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.'));
// Around the pools, else nothing ever overlaps.
const nearby = fc.tuple(fc.constantFrom('10.64.', '10.65.', '10.79.', '172.16.'), fc.nat(255), fc.nat(255));
const route = fc.oneof(
  fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([text, prefix]) => `${text}/${prefix}`),
  fc
    .tuple(nearby, fc.integer({ min: 14, max: 32 }))
    .map(([[start, third, fourth], prefix]) => `${start}${third}.${fourth}/${prefix}`),
);
const meant = (cidr: string) => Number(cidr.split('/')[1]) > 1;

describe('allocateSubnet()', () => {
  test('gives a subnet of a default pool with room for twice the hosts that overlaps nothing taken', () => {
    fc.assert(
      fc.property(fc.array(route, { maxLength: 40 }), fc.integer({ min: 0, max: 20_000 }), (taken, hosts) => {
        fc.pre(DEFAULT_POOLS.some((pool) => !taken.some((each) => meant(each) && subnetsOverlap(each, pool))));
        const subnet = allocateSubnet(taken, hosts);
        const block = parseBlock(subnet);
        assert.ok(block.last - block.first + 1n >= hosts * 2 + 8);
        assert.ok(DEFAULT_POOLS.some((pool) => isInside(subnet.split('/')[0] ?? '', pool)));
        for (const each of taken.filter(meant)) assert.ok(!subnetsOverlap(each, subnet), `${subnet} in ${each}`);
      }),
    );
  });

  test('gives the first one that is free, a hole included', () => {
    assert.equal(allocateSubnet([], 3), '10.64.0.0/24');
    assert.equal(allocateSubnet(['10.64.0.0/24', '10.64.2.0/24'], 3), '10.64.1.0/24');
    assert.equal(allocateSubnet(['10.64.0.0/24', '10.64.1.128/25'], 300), '10.64.4.0/22');
    assert.equal(allocateSubnet(['10.64.0.128/25', '10.64.0.0/16', '10.64.7.0/24'], 3), '10.65.0.0/24');
  });

  test('leaves 10. where a VPN routes all of it, and takes no notice of a default route in halves', () => {
    assert.equal(allocateSubnet(['10.0.0.0/8'], 3), '172.16.0.0/24');
    assert.equal(allocateSubnet(['0.0.0.0/1', '128.0.0.0/1'], 3), '10.64.0.0/24');
  });

  test('throws address-pool-exhausted when everything is taken', () => {
    const taken = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
    assert.throws(() => allocateSubnet(taken, 3), { code: 'address-pool-exhausted' });
  });
});

describe('allocateAddress()', () => {
  test('gives each address of a subnet once, never the network’s, broadcast’s or gateway’s, then none', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 24, max: 30 }), (text, prefix) => {
        const subnet = `${text}/${prefix}`;
        const block = parseBlock(subnet);
        const taken = new Set<string>();
        const pool = createAddressPool(subnet, []);
        const count = 2 ** (32 - prefix) - 3;
        for (let turn = 0; turn < count; turn += 1) {
          const given = pool.take();
          if (turn % 50 === 0) assert.equal(allocateAddress(subnet, taken), given);
          assert.ok(!taken.has(given), `${given} twice`);
          assert.ok(isInside(given, subnet));
          assert.ok(![block.first, block.last].includes(addressToNumber(given)));
          assert.notEqual(given, defaultGateway(subnet));
          taken.add(given);
        }
        assert.throws(() => pool.take(), { code: 'address-pool-exhausted' });
        assert.throws(() => allocateAddress(subnet, taken), { code: 'address-pool-exhausted' });
      }),
      { numRuns: 30 },
    );
  });

  test('gives the preferred address if it is free, also outside the range, else the first', () => {
    const options = { preferred: '10.1.2.9', range: '10.1.2.128/25' };
    assert.equal(allocateAddress('10.1.2.0/24', new Set(), options), '10.1.2.9');
    assert.equal(allocateAddress('10.1.2.0/24', new Set(['10.1.2.9']), options), '10.1.2.128');
    assert.equal(allocateAddress('10.1.2.0/24', new Set(), { preferred: '10.9.9.9' }), '10.1.2.2');
    for (const preferred of ['10.1.2.0', '10.1.2.255', '10.1.2.1']) {
      assert.equal(allocateAddress('10.1.2.0/24', new Set(), { preferred }), '10.1.2.2');
    }
  });

  test('a pool gives a preferred address once', () => {
    const pool = createAddressPool('10.1.2.0/29', ['10.1.2.2']);
    const given = ['10.1.2.3', '10.1.2.3', '10.1.2.2', undefined].map((preferred) => pool.take(preferred));
    assert.deepEqual(given, ['10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6']);
  });

  test('keeps clear of a gateway that is not the first address, and of a range’s end at the broadcast address', () => {
    assert.equal(allocateAddress('10.1.2.0/24', new Set(), { gateway: '10.1.2.254' }), '10.1.2.1');
    const taken = new Set(['10.1.2.252', '10.1.2.253']);
    const options = { gateway: '10.1.2.254', range: '10.1.2.252/30' };
    assert.throws(() => allocateAddress('10.1.2.0/24', taken, options), { code: 'address-pool-exhausted' });
  });

  test('knows IPv6: no broadcast address, the shortest text', () => {
    assert.equal(allocateAddress('fd00:1::/64', new Set(['fd00:1::2'])), 'fd00:1::3');
    assert.equal(allocateAddress('fd00:1::/126', new Set(['fd00:1::2'])), 'fd00:1::3');
  });
});

describe('subnets', () => {
  test('subnetsOverlap() is true for one inside the other, either way, false for neighbours and families', () => {
    assert.ok(subnetsOverlap('10.1.2.0/24', '10.1.0.0/16'));
    assert.ok(subnetsOverlap('10.1.0.0/16', '10.1.2.5/32'));
    assert.ok(!subnetsOverlap('10.1.2.0/24', '10.1.3.0/24'));
    assert.ok(!subnetsOverlap('10.1.2.0/24', 'fd00::/8'));
  });

  test('defaultGateway() is the first host address', () => {
    assert.equal(defaultGateway('10.1.2.0/24'), '10.1.2.1');
    assert.equal(defaultGateway('10.1.2.128/25'), '10.1.2.129');
    assert.equal(defaultGateway('fd00:1::/64'), 'fd00:1::1');
  });

  test('allocateSubnet6() gives a private /64, the same for the same names, another when it is taken', () => {
    const subnet = allocateSubnet6('demo', 'front', []);
    assert.match(subnet, /^fd[0-9a-f]{2}:.*::\/64$/);
    assert.equal(allocateSubnet6('demo', 'front', ['::/0', 'fd00::/64']), subnet);
    assert.ok(!subnetsOverlap(allocateSubnet6('demo', 'front', [subnet]), subnet));
    assert.notEqual(allocateSubnet6('demo', 'back', []), subnet);
  });
});

describe('interface names', () => {
  test('fit the kernel and /proc/sys whatever the names are, and differ where those do', () => {
    const name = fc.string({ minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(name, name, fc.integer({ min: 1, max: 99_999 }), (one, other, index) => {
        const names = [
          bridgeName(one, other),
          bridgeName(`${one}x`, other),
          hostInterfaceName(`demo.${one}.${index}`, other),
          hostInterfaceName(`demo.${one}.${index + 1}`, other),
        ];
        for (const each of names) assert.match(each, /^ts-[a-z0-9]{1,6}-[a-z0-9]{5}$/);
        assert.equal(new Set(names).size, names.length);
      }),
    );
  });

  test('tell what they belong to', () => {
    assert.match(bridgeName('demo', 'backend'), /^ts-backen-/);
    assert.match(hostInterfaceName('demo.web.1', 'front'), /^ts-web1-/);
    assert.match(hostInterfaceName('demo.my.frontend.12', 'front'), /^ts-myfr12-/);
  });
});
