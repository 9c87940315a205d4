import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearestPlatform, platformFromText, platformName } from '../../src/image/platform.ts';

function nearest(wanted: string, offered: readonly string[]): string | undefined {
  const items = offered.map((text) => ({
    platform: text === '' ? { os: '', architecture: '' } : platformFromText(text),
  }));
  const found = nearestPlatform(platformFromText(wanted), items);
  return found && platformName(found.platform);
}

describe('of the manifests of an index', () => {
  for (const [wanted, offered, expected] of [
    ['linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
    ['linux/amd64', ['linux/amd64/v3', 'linux/amd64/v1'], 'linux/amd64/v1'],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v4', 'linux/amd64/v2'], 'linux/amd64/v2'],
    ['linux/arm64', ['linux/arm64/v8'], 'linux/arm64/v8'],
    ['linux/arm64/v9', ['linux/arm64', 'linux/arm64/v8.2'], 'linux/arm64/v8.2'],
    ['linux/arm/v6', ['linux/arm/v7', 'linux/arm/v5'], 'linux/arm/v5'],
    ['linux/arm', ['linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
    ['linux/ppc64le', ['linux/ppc64le/power9', 'linux/ppc64le'], 'linux/ppc64le'],
    ['linux/ppc64le/power9', ['linux/ppc64le', 'linux/ppc64le/power9'], 'linux/ppc64le/power9'],
    ['linux/amd64', ['', 'linux/amd64'], 'linux/amd64'],
    ['linux/amd64', ['windows/amd64', ''], 'any/any'],
    ['linux/amd64', ['linux/386', 'unknown/unknown', 'linux/amd64/v2'], undefined],
    ['linux/amd64', [], undefined],
  ] as const) {
    it(`${wanted} takes ${expected ?? 'nothing'} of ${offered.map((text) => text || '(not said)').join(', ')}`, () => {
      assert.equal(nearest(wanted, offered), expected);
    });
  }

  it('a platform is OS/ARCHITECTURE[/VARIANT]', () => {
    for (const text of ['linux', 'linux/', '/amd64', 'linux/amd64/', 'Linux/amd64', 'linux/arm/v7/x', '']) {
      assert.throws(() => platformFromText(text), { code: 'image-invalid', message: /is not a platform/ }, text);
    }
  });
});
