import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isArchive, unpackArchive } from '../../../src/build/remote/archive.ts';
import { DEFAULT_LIMITS, type UnpackLimits } from '../../../src/image/limits.ts';
import { type Entry, tarOf, withDirectory } from '../../helpers/image-builder.ts';
import { simpleHost } from '../../helpers/simple-host.ts';

async function* pieces(data: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < data.length; at += 1000) yield data.subarray(at, at + 1000);
}

const archive = (data: Buffer): Promise<boolean> => isArchive(() => pieces(data));

async function unpack(
  directory: string,
  data: AsyncIterable<Buffer>,
  options: { readonly limits?: UnpackLimits; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const [root, staging] = [`${directory}/root`, `${directory}/staging`];
  mkdirSync(root, { recursive: true });
  mkdirSync(staging, { recursive: true });
  const signal = options.signal ?? new AbortController().signal;
  await unpackArchive(data, { host: simpleHost(), directory: root, staging, ...options, signal });
  return root;
}

/** Type, mode, owner, time, links, size, target and attributes of all that is there. */
function listing(directory: string): string {
  const script =
    "find . -printf '%y %m %U:%G %T@ %n %s %P %l\\n' | sort -k 7; find . -type f -print0 | sort -z | xargs -0r sha256sum";
  const attributes = execFileSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '.'], { cwd: directory });
  return (
    execFileSync('sh', ['-c', script], { cwd: directory, encoding: 'utf8' }).replaceAll(/^d (.*) \d+ /gm, 'd $1 ') +
    attributes
  );
}

function makeTree(directory: string): void {
  const script = `
    umask 022; mkdir -p tree/sub tree/empty; cd tree
    echo text > file; ln file second; ln -s file link; ln -s /nowhere/at/all dangling; mkfifo sub/pipe; mknod sub/null c 1 3
    truncate -s 3000000 sub/sparse; echo end >> sub/sparse; chmod 4755 file; chmod 1777 sub; chown 1234:5678 sub/sparse
    chown -h 7:8 link; setfattr -n user.note -v kept file
    printf x > "$(printf 'odd\\n\\377name')"; find . -exec touch -h -d @1234567890 {} +; touch -d @1300000000 empty sub; touch -d @1400000000 .`;
  execFileSync('sh', ['-ec', script], { cwd: directory });
}

const PACKERS: readonly (readonly [string, readonly string[]])[] = [
  ['plain tar', ['cat']],
  ['gzip', ['gzip', '-c']],
  ['bzip2', ['bzip2', '-c']],
  ['xz', ['xz', '-c']],
  ['zstd', ['zstd', '-qc']],
];

describe('archives of ADD', () => {
  for (const [format, [program = '', ...args]] of PACKERS) {
    it(`${format} is told by its content and unpacked with owners, modes, times, attributes and links`, () =>
      withDirectory(async (directory) => {
        makeTree(directory);
        const maxBuffer = 2 ** 26;
        const tar = execFileSync('tar', ['--xattrs', '-cSf', '-', '-C', `${directory}/tree`, '--format=pax', '.'], {
          maxBuffer,
        });
        const packed = execFileSync(program, args, { input: tar, maxBuffer });
        assert.equal(await archive(packed), true);
        const root = await unpack(directory, pieces(packed));
        assert.equal(listing(root), listing(`${directory}/tree`));
      }));

    it(`a text in ${format} is no archive, nor is the first half of a header`, async () => {
      const run = (input: Buffer): Buffer => execFileSync(program, args, { input });
      assert.equal(await archive(run(Buffer.from('BZh, a text\n'.repeat(1000)))), false);
      assert.equal(await archive(run((await tarOf([{ name: 'x', text: 'x' }])).subarray(0, 300))), false);
      assert.equal(await archive(run(Buffer.alloc(0))), false);
      assert.equal(await archive(run(Buffer.alloc(10_240))), false, 'an archive of nothing is copied, as by BuildKit');
    });
  }

  it('what never gets to an entry is not read to its end', async () => {
    let read = 0;
    async function* zeros(): AsyncGenerator<Buffer> {
      for (; read < 2 ** 40; read += 2 ** 20) yield Buffer.alloc(2 ** 20);
    }
    assert.equal(await isArchive(zeros), false);
    assert.ok(read < 2 ** 25, `${read} bytes`);
  });

  it('what the reader throws is not taken for "no archive"', async () => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('x');
      throw new Error('the disk is gone');
    };
    await assert.rejects(isArchive(broken), /the disk is gone/);
  });

  for (const name of ['.wh.file', 'dir/.wh..wh..opq', '.wh..wh.plnk/x', '.wh.dir/file']) {
    it(`a name that a layer cannot hold is an error: ${name}`, () =>
      withDirectory(async (directory) => {
        const entries: Entry[] = [
          { name: 'ok', text: '' },
          { name, text: '' },
        ];
        await assert.rejects(unpack(directory, pieces(await tarOf(entries))), {
          code: 'build-failed',
          message: /^The archive cannot be unpacked: entry ".*\.wh\..*": .*whiteout|\.wh\./,
        });
      }));
  }

  it('stops at its limits, and when it is cancelled', () =>
    withDirectory(async (directory) => {
      const bomb = gzipSync(await tarOf([{ name: 'zeros', text: Buffer.alloc(100_000_000) }]));
      await assert.rejects(unpack(`${directory}/1`, pieces(bomb)), {
        code: 'build-failed',
        message: /decompression bomb/,
      });
      const many = await tarOf(['a', 'b', 'c', 'd'].map((name) => ({ name, text: '' })));
      await assert.rejects(unpack(`${directory}/2`, pieces(many), { limits: { ...DEFAULT_LIMITS, entries: 3 } }), {
        code: 'build-failed',
        message: /the archive has more than 3 entries/,
      });
      await assert.rejects(unpack(`${directory}/3`, pieces(many), { signal: AbortSignal.abort() }), {
        code: 'cancelled',
      });
    }));
});
