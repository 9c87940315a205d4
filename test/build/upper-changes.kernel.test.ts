import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { upperChanges } from '../../src/build/layer/upper-changes.ts';
import { writeLayer } from '../../src/build/layer/write-layer.ts';
import { ContentStore } from '../../src/image/content/content-store.ts';
import { layerTar } from '../../src/image/layer/blob-stream.ts';
import { Budget } from '../../src/image/layer/budget.ts';
import { unpackLayer } from '../../src/image/layer/unpack.ts';
import { DEFAULT_LIMITS } from '../../src/image/limits.ts';
import { withDirectory } from '../helpers/image-builder.ts';
import { simpleHost } from '../helpers/simple-host.ts';

const signal = new AbortController().signal;

const LOWER = `
umask 022
mkdir -p keep/sub gone/sub replaced/sub opaque/sub todir
echo 1 > keep/file; echo 2 > keep/sub/file; echo 3 > gone/sub/file; echo 4 > removed; echo 5 > replaced/sub/file
echo 6 > opaque/sub/file; echo 7 > tofile; echo 8 > mode; echo 9 > appended; echo 10 > time; echo 11 > renamed
ln appended appended-too
ln -s keep link
`;

/** Changes of every kind. */
const CHANGES = `
umask 022
rm removed; rm -r gone
rm -r opaque; mkdir opaque; echo new > opaque/new
rm -r replaced; echo file > replaced
rm tofile; mkdir -m 1777 tofile; echo in > tofile/in
chown 12:34 mode; chmod 4750 mode
echo more >> appended
touch -d @1234567890.123456000 time
mv renamed renamed-now
echo x > 'name with blank'; echo y > "$(printf 'new\\nline')"; echo z > "$(printf 'byte\\377')"; echo w > 'back\\slash=é'
mkdir -p deep/er; chmod 700 deep; chown 5:6 deep/er; touch -d @1000000000 deep/er
echo h > hard1; ln hard1 deep/hard2; ln hard1 'a hard0'
ln -sfn elsewhere link; ln -s /absolute deep/link; chown -h 9:9 deep/link
mkfifo -m 622 pipe; mknod -m 640 null c 1 3; mknod -m 600 disk b 259 1048575
setfattr -n user.note -v 'some value' hard1; setfattr -n user.bytes -v 0x00ff0a keep/file
setfattr -n trusted.kept -v yes deep
setcap cap_net_raw+ep "$(printf 'byte\\377')" 2>/dev/null || setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 "$(printf 'byte\\377')"
truncate -s 3000000 sparse; printf end | dd of=sparse bs=1 seek=2000000 conv=notrunc 2>/dev/null
: > empty
`;

/** Runs a script in an overlay, in a mount namespace of its own: nothing stays mounted. */
function inOverlay(
  directory: string,
  {
    lower,
    upper,
    script,
    options = 'redirect_dir=off,metacopy=off,index=off',
  }: {
    readonly lower: string;
    readonly upper: string | undefined;
    readonly script: string;
    readonly options?: string;
  },
): string {
  for (const name of ['work', 'merged', 'empty']) mkdirSync(`${directory}/${name}`, { recursive: true });
  const above =
    upper === undefined
      ? `lowerdir=${directory}/empty:${lower}`
      : `lowerdir=${lower},upperdir=${upper},workdir=${directory}/work,${options}`;
  const text = `set -e; mount -t overlay -o "${above}" none "$1"; cd "$1"; ${script}`;
  return execFileSync('unshare', ['--mount', 'bash', '-c', text, 'bash', `${directory}/merged`], {
    encoding: 'latin1',
  });
}

/** Type, mode, owner, links, size, time, target, device, content and attributes of everything. */
const SHOW = `
find . -mindepth 1 \\( -type d -printf '%P: %y %m %U:%G %T@\\n' -o -printf '%P: %y %m %U:%G %n %s %T@ %l\\n' \\) | LC_ALL=C sort
find . -type c -o -type b | LC_ALL=C sort | xargs -d '\\n' -r stat -c '%n %t %T'
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
find . -type f -links +1 -printf '%i %P\\n' | LC_ALL=C sort | awk '{ print ($1 == last ? "same " : "first ") $2; last = $1 }' | LC_ALL=C sort -k2
getfattr -R -P -h -d -m - -e hex . | grep -a -v overlay | LC_ALL=C sort
`;

const TIME = /\d{9,10}\.\d{6,}/g;

/** Equal, but that unpacking keeps times to the microsecond. */
function assertSame(shown: string, expected: string): void {
  assert.deepEqual(shown.replaceAll(TIME, 'T').split('\n'), expected.replaceAll(TIME, 'T').split('\n'));
  const times = (text: string): readonly number[] => (text.match(TIME) ?? []).map(Number);
  const wanted = times(expected);
  assert.ok(wanted.length > 20);
  for (const [index, time] of times(shown).entries())
    assert.ok(Math.abs(time - (wanted[index] ?? 0)) < 2e-6, `${time}`);
}

test("the layer of an overlay's changes, unpacked, shows what the overlay showed", () =>
  withDirectory(async (directory) => {
    const [lower, upper] = [`${directory}/lower`, `${directory}/upper`];
    for (const path of [lower, upper, `${directory}/staging`, `${directory}/root`]) mkdirSync(path);
    execFileSync('bash', ['-ec', LOWER], { cwd: lower });
    const socket = `node -e 'require("net").createServer().listen("socket", () => process.exit())'; rm -f socket; `;
    const expected = inOverlay(directory, { lower, upper, script: `${socket}${CHANGES}${SHOW}` });

    const entries = await upperChanges(upper, { idBase: 0, signal });
    const store = new ContentStore({ state: `${directory}/state`, run: directory });
    const written = await writeLayer(store, entries, { gzipLevel: 1, signal });
    const again = await writeLayer(store, await upperChanges(upper, { idBase: 0, signal }), { gzipLevel: 1, signal });
    assert.deepEqual(again, written, 'the same changes give the same digest');

    const budget = new Budget(DEFAULT_LIMITS);
    const blob = store.blob(written.digest);
    assert.ok(blob !== undefined);
    const tar = layerTar({ file: blob, digest: written.digest, diffId: written.diffId }, budget, signal);
    const root = `${directory}/root`;
    await unpackLayer(tar, { host: simpleHost(), root, lowers: [lower], staging: `${directory}/staging`, budget });
    const shown = inOverlay(directory, { lower: `${root}:${lower}`, upper: undefined, script: SHOW });
    assertSame(shown, expected);
    assert.ok(shown.includes('back\\slash') && shown.includes('byte\xff') && shown.includes('trusted.kept'));
  }));

test('the changes name what they hide, each once', () =>
  withDirectory(async (directory) => {
    const [lower, upper] = [`${directory}/lower`, `${directory}/upper`];
    for (const path of [lower, upper]) mkdirSync(path);
    execFileSync('bash', ['-ec', LOWER], { cwd: lower });
    inOverlay(directory, {
      lower,
      upper,
      script: 'rm removed; rm -r opaque; mkdir opaque; chown 100005:100006 mode opaque',
    });
    const found = await upperChanges(upper, { idBase: 100_000, signal });
    assert.deepEqual(
      found.map(({ type, path, uid }) => `${type} ${path} ${uid}`),
      ['file mode 5', 'directory opaque 5', 'opaque opaque 0', 'whiteout removed 0'],
    );
    execFileSync('chown', ['3', `${upper}/mode`]);
    await assert.rejects(upperChanges(upper, { idBase: 100_000, signal }), /"mode" belongs to 3, which is nobody/);
  }));

test('changes that are not wholly in the upper directory are refused', () =>
  withDirectory(async (directory) => {
    const [lower, upper] = [`${directory}/lower`, `${directory}/upper`];
    for (const path of [lower, upper]) mkdirSync(path);
    execFileSync('bash', ['-ec', LOWER], { cwd: lower });
    inOverlay(directory, { lower, upper, script: 'mv keep kept', options: 'redirect_dir=on' });
    await assert.rejects(
      upperChanges(upper, { idBase: 0, signal }),
      /"kept" is not wholly in its upper directory \(overlayfs redirect\)/,
    );
  }));
