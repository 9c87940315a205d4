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
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { volumeData } from '../../src/store/paths.ts';
import { fillVolume } from '../../src/volume/volume.ts';
import { simpleHost } from '../helpers/simple-host.ts';

for (const layers of [1, 2, 3]) {
  test(`fillVolume() copies what ${layers} layers show, with the owner and mode of the directory itself`, async () => {
    const directory = mkdtempSync(`${tmpdir()}/tsstack-volume-`);
    try {
      const paths = { state: directory, run: `${directory}/run` };
      const sources = ['top', 'bottom', 'last']
        .slice(0, layers)
        .map((name) => `${directory}/a,b: "c\\\\\n$(id)${name}`);
      for (const source of sources) mkdirSync(source);
      writeFileSync(`${sources[0]}/file`, 'top');
      chownSync(sources[0] ?? '', 105, 106);
      execFileSync('chmod', ['2770', sources[0] ?? '']);
      if (layers > 1) {
        writeFileSync(`${sources[1]}/file`, 'hidden');
        writeFileSync(`${sources[1]}/gone`, 'hidden');
        writeFileSync(`${sources[1]}/kept`, 'bottom');
        execFileSync('mknod', [`${sources[0]}/gone`, 'c', '0', '0']);
      }
      const data = volumeData(paths, 'v');
      mkdirSync(data, { recursive: true });
      await simpleHost().perform(fillVolume(paths, 'v', sources));
      assert.deepEqual(readdirSync(data).sort(), layers > 1 ? ['file', 'kept'] : ['file']);
      assert.equal(readFileSync(`${data}/file`, 'utf8'), 'top');
      assert.deepEqual([statSync(data).uid, statSync(data).gid, statSync(data).mode & 0o7777], [105, 106, 0o2770]);
      if (layers > 1) assert.ok(lstatSync(`${sources[0]}/gone`).isCharacterDevice());
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test('fillVolume() reaches nothing but the volume through links that a container has put there meanwhile', async () => {
  const directory = mkdtempSync(`${tmpdir()}/tsstack-volume-`);
  try {
    const paths = { state: directory, run: `${directory}/run` };
    const data = volumeData(paths, 'v');
    for (const path of [`${directory}/image/sub`, `${directory}/outside`, data]) mkdirSync(path, { recursive: true });
    for (const name of ['direct', 'up', 'sub/below']) writeFileSync(`${directory}/image/${name}`, 'image');
    writeFileSync(`${directory}/outside/file`, 'canary');
    symlinkSync(`${directory}/outside/file`, `${data}/direct`);
    symlinkSync('../../../outside/file', `${data}/up`);
    symlinkSync(`${directory}/outside`, `${data}/sub`);
    await assert.rejects(async () => simpleHost().perform(fillVolume(paths, 'v', [`${directory}/image`])));
    assert.equal(readFileSync(`${directory}/outside/file`, 'utf8'), 'canary');
    assert.deepEqual(readdirSync(`${directory}/outside`), ['file']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('fillVolume() does nothing where the image has nothing', () => {
  assert.deepEqual(fillVolume({ state: '/s', run: '/r' }, 'v', []), []);
});
