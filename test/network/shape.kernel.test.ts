import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { netnsName } from '../../src/model/address.ts';
import { removeSandbox } from '../../src/network/endpoint.ts';
import { endpointDrift, inspectNetwork } from '../../src/network/inspect.ts';
import { shaperName } from '../../src/network/shape.ts';
import { shapeEndpoints } from '../../src/network/shaped-links.ts';
import { ShapedPair } from '../helpers/shaped-pair.ts';

describe('a link with a rate, by what arrives', () => {
  let pair: ShapedPair;

  async function drift() {
    const state = await inspectNetwork(pair.machine, { shaped: true });
    return endpointDrift(state, netnsName(pair.key), [pair.endpoint], []);
  }

  before(async () => {
    pair = await ShapedPair.start();
  });
  after(() => pair.close());

  test('a rate bounds what TCP brings, each direction by itself', async () => {
    const fast = await pair.push();
    await pair.shape({ outbound: { rateBits: 4e6 }, inbound: { rateBits: 10e6 } });
    const [inbound, outbound] = [await pair.push(), await pair.pull()];
    assert.ok(fast > 30e6, `unshaped ${fast}`);
    // What the bucket held at first comes on top; headers come off.
    assert.ok(inbound > 3e6 && inbound < 11.5e6, `inbound ${inbound}`);
    assert.ok(outbound > 1.2e6 && outbound < 4.8e6, `outbound ${outbound}`);
    assert.deepEqual(await drift(), []);
    await pair.shape({});
    const [again, back] = [await pair.push(), await pair.pull()];
    assert.ok(again > 30e6 && back > 30e6, `${again} ${back}`);
    assert.deepEqual(await drift(), []);
  });

  test('a high rate does not stand in the way of packets of 64 KB', async () => {
    await pair.shape({ outbound: { rateBits: 2e9 }, inbound: { rateBits: 2e9 } });
    const bits = await pair.push();
    assert.ok(bits > 30e6 && bits < 2.2e9, String(bits));
  });

  test('a low rate lets packets of 64 KB through in pieces', async () => {
    await pair.shape({ inbound: { rateBits: 1e6 } });
    const bits = await pair.push();
    assert.ok(bits > 0.3e6 && bits < 1.5e6, String(bits));
  });

  test('what somebody else does to a shaped link is drift, and mended', async () => {
    await pair.shape({ outbound: { rateBits: 4e6 }, inbound: { rateBits: 10e6 } });
    const { hostInterface } = pair.endpoint;
    const other = ['root', 'handle', '1:', 'tbf', 'rate', '9mbit', 'burst', '6250', 'limit', '131250'];
    const spoil = [
      ['qdisc', 'del', 'dev', hostInterface, 'root'],
      ['qdisc', 'del', 'dev', hostInterface, 'ingress'],
      ['qdisc', 'replace', 'dev', hostInterface, ...other],
      ['qdisc', 'del', 'dev', shaperName(hostInterface), 'root'],
    ];
    for (const args of spoil) {
      await pair.machine.perform([{ op: 'tc', args }]);
      assert.deepEqual(
        (await drift()).map(({ kind }) => kind),
        ['shape'],
        args.join(' '),
      );
      await pair.machine.perform(shapeEndpoints(pair.key, [pair.endpoint]));
      assert.deepEqual(await drift(), []);
    }
    const outbound = await pair.pull();
    assert.ok(outbound < 4.8e6, `outbound ${outbound}`);
  });

  test('nothing stays when the container goes', async () => {
    const links = () => pair.machine.exec(['ip', '-br', 'link', 'show', 'type', 'ifb']).stdout;
    assert.match(links(), new RegExp(shaperName(pair.endpoint.hostInterface)));
    await pair.machine.perform(removeSandbox(pair.key, [pair.endpoint]));
    assert.doesNotMatch(links(), /ts-/);
  });
});
