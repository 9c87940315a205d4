import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { netnsName } from '../../src/model/address.ts';
import { endpointDrift, inspectNetwork } from '../../src/network/inspect.ts';
import { ShapedPair } from '../helpers/shaped-pair.ts';

describe('a bad link, by what arrives', () => {
  let pair: ShapedPair;

  before(async () => {
    pair = await ShapedPair.start();
  });
  after(() => pair.close());

  test('a delay is in each direction that has it', async () => {
    const before = (await pair.ping(20)).medianMs;
    await pair.shape({ outbound: { delayUs: 40_000 } });
    const once = await pair.ping(20);
    assert.ok(once.leastMs >= 39.5, JSON.stringify(once));
    assert.ok(once.medianMs < 40 + 3 * before + 60, JSON.stringify({ before, once }));
    await pair.shape({ outbound: { delayUs: 80_000 }, inbound: { delayUs: 80_000 } });
    const twice = await pair.ping(20);
    assert.ok(twice.leastMs >= 159, JSON.stringify(twice));
    assert.ok(twice.medianMs < 160 + 3 * before + 120, JSON.stringify({ before, twice }));
    assert.equal(twice.answered, 20);
  });

  test('jitter lets packets come in another order', async () => {
    await pair.shape({ inbound: { delayUs: 50_000, jitterUs: 40_000 } });
    const found = await pair.ping(100);
    assert.ok(found.late > 3, JSON.stringify(found));
    assert.ok(found.leastMs >= 9.5, JSON.stringify(found));
    assert.equal(found.answered, 100);
  });

  test('loss is of each direction', async () => {
    await pair.shape({ inbound: { lossPercent: 30 } });
    const once = await pair.ping(400, 2);
    assert.ok(once.answered > 400 * 0.55 && once.answered < 400 * 0.85, JSON.stringify(once));
    await pair.shape({ outbound: { lossPercent: 30 }, inbound: { lossPercent: 30 } });
    const twice = await pair.ping(400, 2);
    assert.ok(twice.answered > 400 * 0.36 && twice.answered < 400 * 0.62, JSON.stringify(twice));
  });

  test('packets arrive twice, out of order, or damaged', async () => {
    await pair.shape({ outbound: { duplicatePercent: 50 } });
    const twice = await pair.ping(200, 2);
    assert.ok(twice.replies > 250 && twice.replies < 350, JSON.stringify(twice));
    await pair.shape({ inbound: { delayUs: 30_000, reorderPercent: 30 } });
    const mixed = await pair.ping(200, 2);
    assert.ok(mixed.late > 20 && mixed.answered === 200, JSON.stringify(mixed));
    // A checksum finds what is damaged: it is not answered.
    await pair.shape({ inbound: { corruptPercent: 50 } });
    const damaged = await pair.ping(200, 2);
    assert.ok(damaged.answered > 60 && damaged.answered < 185, JSON.stringify(damaged));
  });

  test('a delay holds what a fast sender has under way, and a rate goes with it', async () => {
    await pair.shape({ outbound: { delayUs: 20_000 }, inbound: { delayUs: 20_000 } });
    const delayed = await pair.push();
    assert.ok(delayed > 5e6, `delayed ${delayed}`);
    const mixed = { rateBits: 5e6, delayUs: 20_000, jitterUs: 1000, lossPercent: 0.1 };
    await pair.shape({ inbound: mixed, outbound: { delayUs: 1000, reorderPercent: 25, corruptPercent: 0.01 } });
    const bits = await pair.push();
    assert.ok(bits > 0.3e6 && bits < 6e6, String(bits));
    const state = await inspectNetwork(pair.machine, { shaped: true });
    assert.deepEqual(endpointDrift(state, netnsName(pair.key), [pair.endpoint], []), []);
  });
});
