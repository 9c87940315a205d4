import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsstackError } from '../../src/model/error.ts';
import { describeLink, type LinkShape } from '../../src/model/shape.ts';
import { loadText } from './load-text.ts';

const shapes = (service: string): Readonly<Record<string, LinkShape | undefined>> => {
  const { networks = {} } =
    loadText(`services: {a: {command: [run], ${service}}}\nnetworks: {x: {}, y: {}}`).stack.services['a'] ?? {};
  return Object.fromEntries(Object.entries(networks).map(([name, { shape }]) => [name, shape]));
};

/** `line:column message (hint)` of each error. */
function errors(text: string): readonly string[] {
  try {
    shapes(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof TsstackError && 'diagnostics' in error);
    const list = error.diagnostics as readonly {
      severity: string;
      message: string;
      hint?: string;
      position?: { line: number; column: number };
    }[];
    return list
      .filter(({ severity }) => severity === 'error')
      .map(({ message, hint, position }) => `${position?.line}:${position?.column} ${message} (${hint})`);
  }
}

test('x-shape holds for both directions of every network', () => {
  const all = {
    rateBits: 10_000_000,
    delayUs: 80_000,
    jitterUs: 10_000,
    lossPercent: 1,
    reorderPercent: 25,
    duplicatePercent: 0.5,
    corruptPercent: 0.1,
    limitPackets: 500,
  };
  const text =
    'x-shape: {rate: 10mbit, delay: 80ms, jitter: 10ms, loss: 1%, reorder: 25%, duplicate: 0.5%, corrupt: 0.1%, limit: 500}';
  assert.deepEqual(shapes(text), { default: { outbound: all, inbound: all } });
  assert.deepEqual(shapes(`networks: [x, y], ${text}`), {
    x: { outbound: all, inbound: all },
    y: { outbound: all, inbound: all },
  });
  assert.equal(
    describeLink({ outbound: all, inbound: all }),
    '10mbit, delay 80ms ± 10ms, loss 1%, reorder 25%, duplicate 0.5%, corrupt 0.1%, limit 500 (each way)',
  );
});

test('a direction says more, or otherwise, and zero takes back', () => {
  assert.deepEqual(shapes('x-shape: {delay: 1.5s, outbound: {rate: 1.5mbit}, inbound: {delay: 2s, loss: 5%}}'), {
    default: {
      outbound: { delayUs: 1_500_000, rateBits: 1_500_000 },
      inbound: { delayUs: 2_000_000, lossPercent: 5 },
    },
  });
  assert.deepEqual(shapes('x-shape: {outbound: {rate: 500kbit}}'), { default: { outbound: { rateBits: 500_000 } } });
  assert.deepEqual(shapes('x-shape: {loss: 1%, inbound: {loss: 0%}}'), { default: { outbound: { lossPercent: 1 } } });
  assert.deepEqual(shapes('x-shape: {delay: 0s}'), { default: undefined });
  assert.deepEqual(shapes('x-shape: {limit: 10}'), { default: undefined });
});

test('what a network says is instead of what the service says', () => {
  const text = 'x-shape: {loss: 1%}, networks: {x: {x-shape: {delay: 5ms}}, y: null, default: {x-shape: {}}}';
  assert.deepEqual(shapes(text), {
    default: undefined,
    x: { outbound: { delayUs: 5000 }, inbound: { delayUs: 5000 } },
    y: { outbound: { lossPercent: 1 }, inbound: { lossPercent: 1 } },
  });
});

test('variables, extends and several files work as everywhere', () => {
  const base =
    'services: {a: {command: [run], x-shape: {delay: "${NONE:-7ms}"}}, b: {extends: a, x-shape: {loss: 2%}}}';
  const { b } = loadText(base).stack.services;
  assert.deepEqual(b?.networks['default']?.shape?.outbound, { delayUs: 7000, lossPercent: 2 });
});

const WRONG: readonly [string, RegExp][] = [
  ['x-shape: {rate: 10Mbps}', /^1:\d+ x-shape: rate cannot be "10Mbps" \(write a number and bit, kbit, mbit or gbit/],
  ['x-shape: {rate: 10}', /rate cannot be 10 /],
  ['x-shape: {rate: 10bit}', /from 1kbit to 100gbit/],
  ['x-shape: {delay: 80}', /delay cannot be 80 \(write a duration/],
  ['x-shape: {delay: -1s}', /delay cannot be "-1s"/],
  ['x-shape: {delay: 2m}', /from 0s to 1m/],
  ['x-shape: {loss: 1}', /loss cannot be 1 \(write a percentage/],
  ['x-shape: {loss: 101%}', /loss cannot be/],
  ['x-shape: {limit: 0}', /limit cannot be 0 \(write a number of packets/],
  ['x-shape: {jitter: 5ms}', /jitter needs a delay/],
  ['x-shape: {delay: 5ms, jitter: 6ms}', /jitter is longer/],
  ['x-shape: {reorder: 5%}', /reorder needs a delay/],
  ['x-shape: {outbound: {corrupt: half}}', /corrupt cannot be "half"/],
  ['x-shape: {speed: 1mbit}', /speed/],
  ['x-shape: {inbound: {outbound: {}}}', /outbound/],
  ['x-shape: 10mbit', /x-shape/],
  ['networks: {x: {x-shape: {rate: fast}}}', /rate cannot be "fast"/],
  ['network_mode: host, x-shape: {rate: 1mbit}', /no interface of its own/],
];

for (const [text, expected] of WRONG) {
  test(`${text} is an error with its place`, () => {
    const found = errors(text);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('the place is that of the value', () => {
  assert.match(errors('x-shape: {loss: 1%,\n inbound: {\n rate: x}}')[0] ?? '', /^3:8 /);
});
