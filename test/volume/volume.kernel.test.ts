import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { volumeData } from '../../src/store/paths.ts';
import { fillVolume } from '../../src/volume/volume.ts';
import { simpleHost } from '../helpers/simple-host.ts';

for (const layers of [1, 2]) {
  test(`fillVolume() copies what ${layers} layers show, with the owner and mode of the directory itself`, async () => {
    const directory = mkdtempSync(`${tmpdir()}/tsstack-volume-`);
    try {
      const paths = { state: directory, run: `${directory}/run` };
      const sources = ['top', 'bottom'].slice(0, layers).map((name) => `${directory}/a,b:${name}`);
      for (const source of sources) mkdirSync(source);
      writeFileSync(`${sources[0]}/file`, 'top');
      chownSync(sources[0] ?? '', 105, 106);
      execFileSync('chmod', ['2770', sources[0] ?? '']);
      if (layers === 2) {
        writeFileSync(`${sources[1]}/file`, 'hidden');
        writeFileSync(`${sources[1]}/gone`, 'hidden');
        writeFileSync(`${sources[1]}/kept`, 'bottom');
        execFileSync('mknod', [`${sources[0]}/gone`, 'c', '0', '0']);
      }
      const data = volumeData(paths, 'v');
      mkdirSync(data, { recursive: true });
      await simpleHost().perform(fillVolume(paths, 'v', sources));
      assert.deepEqual(readdirSync(data).sort(), layers === 2 ? ['file', 'kept'] : ['file']);
      assert.equal(readFileSync(`${data}/file`, 'utf8'), 'top');
      assert.deepEqual([statSync(data).uid, statSync(data).gid, statSync(data).mode & 0o7777], [105, 106, 0o2770]);
      if (layers === 2) assert.ok(lstatSync(`${sources[0]}/gone`).isCharacterDevice());
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test('fillVolume() does nothing where the image has nothing', () => {
  assert.deepEqual(fillVolume({ state: '/s', run: '/r' }, 'v', []), []);
});
