import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { addTarball } from '../../../src/image/content/add-tarball.ts';
import { ContentStore } from '../../../src/image/content/content-store.ts';
import { digestOf, tarOf, withDirectory } from '../../helpers/image-builder.ts';

const OPTIONS = { gzipLevel: 6, signal: new AbortController().signal };
const PACKERS: Readonly<Record<string, readonly string[]>> = {
  plain: ['cat'],
  gzip: ['gzip', '-c'],
  zstd: ['zstd', '-qc'],
  xz: ['xz', '-c'],
};

function storeIn(directory: string): ContentStore {
  return new ContentStore({ state: `${directory}/state`, run: `${directory}/run` });
}

describe('addTarball()', () => {
  for (const [format, [program = '', ...argv]] of Object.entries(PACKERS)) {
    it(`stores a ${format} tarball as a layer that registries know, with the diff id of what is in it`, () =>
      withDirectory(async (directory) => {
        const tar = await tarOf([{ name: 'etc/' }, { name: 'etc/word', text: 'word'.repeat(50_000) }]);
        writeFileSync(`${directory}/root.tar`, tar);
        const packed = execFileSync(program, [...argv, `${directory}/root.tar`]);
        writeFileSync(`${directory}/packed`, packed);
        const store = storeIn(directory);
        const layer = await addTarball(store, `${directory}/packed`, OPTIONS);
        assert.equal(layer.diffId, digestOf(tar));
        const kept = readFileSync(store.blobPath(layer.digest));
        assert.equal(kept.length, layer.size);
        assert.equal(digestOf(kept), layer.digest);
        assert.equal(layer.mediaType, `application/vnd.oci.image.layer.v1.tar+${format === 'zstd' ? 'zstd' : 'gzip'}`);
        if (format === 'gzip' || format === 'zstd') assert.deepEqual(kept, packed);
        else assert.deepEqual(gunzipSync(kept), tar);
        assert.deepEqual(await addTarball(store, `${directory}/packed`, OPTIONS), layer);
      }));
  }

  it('keeps nothing of what is no tar archive, is cut off, or is empty', () =>
    withDirectory(async (directory) => {
      const store = storeIn(directory);
      const refused = async (message: RegExp, code = 'image-invalid') => {
        await assert.rejects(addTarball(store, `${directory}/file`, OPTIONS), { code, message });
        assert.deepEqual(store.digests(), []);
      };
      await refused(/there is no such file/, 'image-missing');
      writeFileSync(`${directory}/file`, 'words '.repeat(1000));
      await refused(/its first entry/);
      writeFileSync(`${directory}/file`, Buffer.alloc(10_240));
      await refused(/no tar archive with files in it/);
      writeFileSync(`${directory}/file`, '');
      await refused(/no tar archive with files in it/);
      writeFileSync(`${directory}/file`, await tarOf([{ name: 'word', text: 'word'.repeat(50_000) }]));
      truncateSync(`${directory}/file`, 100_000);
      await refused(/after entry "word"/);
      execFileSync('gzip', [`${directory}/file`]);
      execFileSync('mv', [`${directory}/file.gz`, `${directory}/file`]);
      await refused(/after entry "word"/);
    }));
});
