import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foreignPlatforms } from '../../src/engine/foreign-platform.ts';
import { binaryHandler, runsNatively } from '../../src/image/binfmt.ts';
import { EMPTY_CONFIG } from '../../src/image/config.ts';
import { hostArchitecture } from '../../src/image/platform.ts';
import { makeService, makeStack } from '../helpers/stacks.ts';

const DIRECTORY = '/proc/sys/fs/binfmt_misc';
/** As the kernel shows what Debian's qemu-user-static registers. */
const S390X = `enabled
interpreter /usr/libexec/qemu-binfmt/s390x-binfmt-P
flags: POCF
offset 0
magic 7f454c4602020100000000000000000000020016
mask ffffffffffffff00fffffffffffffffffffeffff
`;
const RISCV64 = `enabled
interpreter /usr/bin/qemu-riscv64-static
flags: 
offset 0
magic 7f454c460201010000000000000000000200f300
mask ffffffffffffff00fffffffffffffffffeffffff
`;

function machine(handlers: Readonly<Record<string, string>>, status = 'enabled') {
  const files: Readonly<Record<string, string>> = { ...handlers, status: `${status}\n`, register: '' };
  return {
    readText: (path: string) =>
      path.startsWith(`${DIRECTORY}/`) ? files[path.slice(DIRECTORY.length + 1)] : undefined,
    readDirectory: (path: string) => (path === DIRECTORY ? Object.keys(files).sort() : []),
  };
}

describe('binaryHandler()', () => {
  it('finds the handler whose magic fits programs of the architecture', () => {
    const host = machine({ 'qemu-riscv64': RISCV64, 'qemu-s390x': S390X });
    assert.deepEqual(binaryHandler(host, { architecture: 's390x' }), {
      name: 'qemu-s390x',
      interpreter: '/usr/libexec/qemu-binfmt/s390x-binfmt-P',
      preloaded: true,
    });
    assert.equal(binaryHandler(host, { architecture: 'riscv64' })?.preloaded, false);
    for (const architecture of ['ppc64le', 'arm64', 'amd64', 'toString', '']) {
      assert.equal(binaryHandler(host, { architecture }), undefined, architecture);
    }
  });

  it('one that is switched off, is for something else or takes only half of the programs does not count', () => {
    const architecture = 's390x';
    assert.equal(binaryHandler(machine({ it: S390X }, 'disabled'), { architecture }), undefined);
    const nobody = { readText: () => undefined, readDirectory: () => [] };
    assert.equal(binaryHandler(nobody, { architecture }), undefined);
    for (const text of [
      S390X.replace('enabled', 'disabled'),
      S390X.replace('fffeffff', 'ffffffff'),
      'enabled\ninterpreter /usr/bin/jar\nflags: \nextension .jar\n',
      S390X.replace('offset 0', 'offset 4'),
    ]) {
      assert.equal(binaryHandler(machine({ it: text }), { architecture }), undefined, text);
    }
  });
});

describe('foreignPlatforms()', () => {
  const source = { type: 'reference', reference: 'app:1', platform: 'linux/s390x' } as const;
  const stack = makeStack([makeService('web', { source }), makeService('idle', { source, replicas: 0 })]);
  const image = { id: 'sha256:1', config: EMPTY_CONFIG, unpacked: false };

  it('is a conflict where nobody runs such programs, once, and before the image is there', () => {
    const expected = `image "app:1" is for linux/s390x; this machine is ${hostArchitecture()} and has no binfmt handler for programs of s390x`;
    for (const images of [{}, { 'app:1 (linux/s390x)': { ...image, platform: 'linux/s390x' } }]) {
      const { conflicts, warnings } = foreignPlatforms(machine({}), stack, images);
      assert.deepEqual(
        conflicts.map(({ message }) => message),
        [expected],
      );
      assert.match(conflicts[0]?.hint ?? '', /qemu-user-static/);
      assert.deepEqual(warnings, []);
    }
    const fine = foreignPlatforms(machine({ it: S390X }), stack, {});
    assert.deepEqual(fine, { conflicts: [], warnings: [] });
  });

  it('is a warning where the interpreter must be in the image', () => {
    const { conflicts, warnings } = foreignPlatforms(machine({ it: S390X.replace('POCF', 'PO') }), stack, {});
    assert.deepEqual(conflicts, []);
    assert.match(warnings.join(), /s390x-binfmt-P, which must be in the image/);
  });

  it('says nothing of what runs here, or of what says nothing', () => {
    for (const platform of [`linux/${hostArchitecture()}`, 'linux/any', 'any/any']) {
      const { conflicts } = foreignPlatforms(machine({}), stack, { 'app:1 (linux/s390x)': { ...image, platform } });
      assert.deepEqual(conflicts, [], platform);
    }
    assert.ok(runsNatively({ architecture: '386' }, 'amd64') && runsNatively({ architecture: 'arm' }, 'arm64'));
    assert.ok(!runsNatively({ architecture: 'amd64' }, '386'));
  });
});
