import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseChallenges } from '../../../src/image/registry/challenge.ts';

function parsed(header: string) {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe('WWW-Authenticate', () => {
  for (const [header, expected] of [
    ['Basic realm="Registry"', [['basic', { realm: 'Registry' }]]],
    [
      'Bearer realm="https://auth.test/token",service="registry.test",scope="repository:a/b:pull,push"',
      [['bearer', { realm: 'https://auth.test/token', service: 'registry.test', scope: 'repository:a/b:pull,push' }]],
    ],
    [
      'Basic realm="a, b", Bearer realm="https://auth.test/", error="invalid_token"',
      [
        ['basic', { realm: 'a, b' }],
        ['bearer', { realm: 'https://auth.test/', error: 'invalid_token' }],
      ],
    ],
    [
      'Negotiate, Basic realm="x"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'NEGOTIATE abc==, BASIC REALM=plain',
      [
        ['negotiate', {}],
        ['abc==', {}],
        ['basic', { realm: 'plain' }],
      ],
    ],
    ['Basic realm="say \\"hi\\""', [['basic', { realm: 'say "hi"' }]]],
    [
      'Bearer realm=https://auth.test/token , service = "s"',
      [['bearer', { realm: 'https://auth.test/token', service: 's' }]],
    ],
    ['', []],
    [',,,', []],
    ['Basic realm="never closed', [['basic', {}]]],
    ['realm="of nobody"', []],
  ] as const) {
    it(JSON.stringify(header), () => assert.deepEqual(parsed(header), expected));
  }

  it('a header made to take long does not', () => {
    const start = performance.now();
    for (const text of ['"\\'.repeat(1e5), 'a='.repeat(1e5), ' ,'.repeat(1e5), `a="${'\\"'.repeat(1e5)}`])
      parseChallenges(text);
    assert.ok(performance.now() - start < 500);
  });
});
