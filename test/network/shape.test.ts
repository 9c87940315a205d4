import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import { withLive } from '../../src/model/live.ts';
import { createSandbox, disconnectEndpoint, removeSandbox } from '../../src/network/endpoint.ts';
import { rootQdisc, shaperName } from '../../src/network/shape.ts';
import { parseQdiscs, shapeDrift } from '../../src/network/shape-drift.ts';
import { reshapeEndpoints } from '../../src/network/shaped-links.ts';
import { endpointOf, keyOf, networkOf } from './fixtures.ts';

const key = keyOf('web');
const plain = endpointOf(key, networkOf('front', '10.71.1.0/24'), '10.71.1.2/24');
const host = plain.hostInterface;
const shaper = shaperName(host);
const shaped = { ...plain, shape: { outbound: { rateBits: 8_000_000 }, inbound: { delayUs: 5000 } } };

const lines = (ops: readonly HostOp[]) =>
  ops.map((op) => ('args' in op ? `${op.op} ${op.args.join(' ')}` : 'argv' in op ? op.argv.join(' ') : op.op));

const OUTBOUND = [
  `tc qdisc del dev ${host} ingress`,
  `ip link add name ${shaper} type ifb`,
  `ip link set dev ${shaper} alias tsstack demo service.web[1] front up`,
  `tc qdisc del dev ${shaper} root`,
  `tc qdisc add dev ${shaper} root handle 1: tbf rate 8000000bit burst 5000 limit 105000`,
  `tc qdisc add dev ${host} ingress`,
  `tc filter add dev ${host} parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${shaper}`,
];

test('a link is shaped where the container cannot undo it, before anything in the container is up', () => {
  const made = lines(createSandbox(key, [shaped]));
  const at = made.indexOf(`tc qdisc del dev ${host} root`);
  assert.deepEqual(made.slice(at, at + 2 + OUTBOUND.length), [
    `tc qdisc del dev ${host} root`,
    `tc qdisc add dev ${host} root handle 1: netem limit 5167 delay 5000us`,
    ...OUTBOUND,
  ]);
  assert.ok(at < made.indexOf('ip link set dev eth0 up'));
  assert.doesNotMatch(lines(createSandbox(key, [plain])).join('\n'), /tc|ifb/);
});

test('the intermediate device goes with the container, or with its network', () => {
  const gone = `ip link del dev ${shaper}`;
  const links = (ops: readonly HostOp[]) => lines(ops.filter(({ op }) => op !== 'nft'));
  assert.deepEqual(links(removeSandbox(key, [shaped])), ['ip netns del ts-demo.web.1', gone]);
  assert.deepEqual(links(removeSandbox(key, [plain])), ['ip netns del ts-demo.web.1']);
  assert.deepEqual(links(disconnectEndpoint(key, shaped)), [`ip link del dev ${host}`, gone]);
});

test('only the direction that differs is touched', () => {
  const { outbound } = shaped.shape;
  assert.deepEqual(lines(reshapeEndpoints(key, [shaped], [shaped])), []);
  assert.deepEqual(lines(reshapeEndpoints(key, [shaped], [{ ...plain, shape: { outbound } }])), [
    `tc qdisc del dev ${host} root`,
  ]);
  assert.deepEqual(lines(reshapeEndpoints(key, [plain], [{ ...plain, shape: { outbound } }])), OUTBOUND);
  assert.deepEqual(lines(reshapeEndpoints(key, [{ ...plain, shape: { outbound } }], [plain])), [
    `tc qdisc del dev ${host} ingress`,
    `ip link del dev ${shaper}`,
  ]);
  assert.deepEqual(lines(reshapeEndpoints(key, [], [shaped])), []);
});

test('a module that the kernel would load with devices of its own is loaded without them', () => {
  const options = { modprobe: '/sbin/modprobe' };
  assert.ok(lines(createSandbox(key, [shaped], options)).includes('/sbin/modprobe ifb numifbs=0'));
  const inbound = { ...plain, shape: { inbound: { delayUs: 5 } } };
  assert.doesNotMatch(lines(createSandbox(key, [inbound], options)).join('\n'), /modprobe/);
});

test('names of intermediate devices fit, and are their own', () => {
  assert.match(shaper, /^ts-web1-[a-z0-9]{5}$/);
  assert.notEqual(shaper, host);
  assert.equal(new Set([host, shaper, shaperName(`${host.slice(0, -1)}_`)]).size, 3);
});

test('what waits fits rate and delay, and the bucket a whole packet of the MTU', () => {
  const all = {
    rateBits: 1e6,
    delayUs: 80_000,
    jitterUs: 10_000,
    lossPercent: 1,
    reorderPercent: 25,
    duplicatePercent: 2,
    corruptPercent: 0.1,
  };
  assert.deepEqual(
    rootQdisc(all, {}).map((words) => words.join(' ')),
    [
      'netem limit 1176 delay 80000us 10000us loss 1% duplicate 2% reorder 25% corrupt 0.1%',
      'tbf rate 1000000bit burst 3036 limit 33396',
    ],
  );
  assert.match(rootQdisc({ rateBits: 1e6 }, { mtu: 9000 })[0]?.join(' ') ?? '', /burst 18036 /);
  assert.deepEqual(rootQdisc({ rateBits: 1e6, limitPackets: 10 }, {})[0]?.at(-1), String(3036 + 15_180));
  assert.equal(rootQdisc({ delayUs: 60_000_000 }, {})[0]?.[2], '1000000');
  assert.deepEqual(rootQdisc(undefined, {}), []);
});

/** As `tc -j qdisc show` of iproute2 6.1 prints them. */
const KERNEL = [
  { kind: 'noqueue', handle: '0:', dev: 'other', root: true, options: {} },
  { kind: 'ingress', handle: 'ffff:', dev: host, parent: 'ffff:fff1', options: {} },
  {
    kind: 'netem',
    dev: host,
    root: true,
    options: { limit: 5167, delay: { delay: 0.005, jitter: 0, correlation: 0 } },
  },
  { kind: 'tbf', handle: '1:', dev: shaper, root: true, options: { rate: 1_000_000, burst: 5000, lat: 100_000 } },
];

test('what tc shows is compared with what is to be', () => {
  assert.deepEqual(shapeDrift(parseQdiscs(KERNEL), [shaped, plain]), []);
  const changed = (dev: string, options: object) =>
    KERNEL.map((each) => (each.dev === dev && each.kind !== 'ingress' ? { ...each, options } : each));
  const wrong = [
    [KERNEL.filter(({ kind }) => kind !== 'ingress'), 'outbound: 8mbit'],
    [KERNEL.filter(({ kind }) => kind !== 'tbf'), 'outbound: 8mbit'],
    [KERNEL.filter(({ kind }) => kind !== 'netem'), 'inbound: delay 5ms'],
    [changed(shaper, { rate: 1_100_000, burst: 5000 }), 'outbound: 8mbit'],
    [changed(host, { limit: 5167, delay: { delay: 0.006, jitter: 0 } }), 'inbound: delay 5ms'],
    [changed(host, { limit: 5167, delay: { delay: 0.005 }, 'loss-random': { loss: 0.1 } }), 'inbound: delay 5ms'],
  ] as const;
  for (const [json, said] of wrong) {
    assert.deepEqual(shapeDrift(parseQdiscs(json), [shaped]), [
      { kind: 'shape', message: `${host} is not shaped ${said}` },
    ]);
  }
  assert.equal(shapeDrift(parseQdiscs('nonsense'), [shaped]).length, 2);
});

test('what was done by hand is instead of what the file says', () => {
  const byHand = { outbound: { lossPercent: 1 } };
  const shape = (live: object) => withLive([shaped], { shapes: { front: live } })[0]?.shape;
  assert.deepEqual(shape(byHand), byHand);
  assert.equal(shape({}), undefined);
  assert.deepEqual(withLive([shaped], { shapes: { back: byHand } }), [shaped]);
  assert.deepEqual(withLive([shaped], undefined), [shaped]);
});
