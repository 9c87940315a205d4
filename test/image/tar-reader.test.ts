import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type TarEntry, TarReader } from '../../src/image/tar/tar-reader.ts';
import { tarOf, withDirectory } from '../helpers/image-builder.ts';

interface Read {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

async function readAll(archive: Buffer, piece = 65_536): Promise<readonly Read[]> {
  const reader = new TarReader(
    (async function* () {
      for (let at = 0; at < archive.length; at += piece) yield archive.subarray(at, at + piece);
    })(),
  );
  const found: Read[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    const content = Buffer.alloc(entry.size);
    for (const { offset, length } of entry.segments) {
      for (let at = offset; at < offset + length; ) {
        const data = await reader.data(offset + length - at);
        assert.ok(data !== undefined);
        data.copy(content, at);
        at += data.length;
      }
    }
    found.push({ entry, content });
  }
  return found;
}

function paxRecord(key: string, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

/** A header block made by hand, for what a well-behaved writer does not write. */
function block(type: string, size: number, name: Buffer): Buffer {
  const header = Buffer.alloc(512);
  name.copy(header);
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('00000000000\0', 136, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return header;
}

function pad(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

const END = Buffer.alloc(1024);

test('TarReader reads what another implementation wrote, in pieces of any size', async () => {
  const name = fc.stringMatching(/^[a-zé][a-z0-9é/]{0,200}[a-z]$/).map((text) => text.replaceAll(/\/+/g, '/'));
  const file = fc.record({ name, text: fc.string({ maxLength: 2000 }), mode: fc.integer({ min: 1, max: 0o7777 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), async (files, piece) => {
      const found = await readAll(await tarOf(files), piece);
      assert.deepEqual(
        found.map(({ entry, content }) => ({
          name: Buffer.from(entry.name, 'latin1').toString(),
          text: content.toString(),
          mode: entry.mode,
        })),
        files.map(({ name: path, text, mode }) => ({ name: path, text, mode })),
      );
    }),
    { numRuns: 60 },
  );
});

test('TarReader keeps names and attributes that are not text, byte for byte', async () => {
  const name = Buffer.from([0x66, 0xff, 0xfe, 0xe9]);
  const value = Buffer.from([1, 0, 0, 2, 0x80, 0xff, 0x0a, 0]);
  const records = Buffer.concat([
    paxRecord('path', name),
    paxRecord('SCHILY.xattr.security.capability', value),
    paxRecord('SCHILY.xattr.user.a=b', Buffer.from('x')),
  ]);
  const archive = [
    block('x', records.length, Buffer.from('x')),
    pad(records),
    block('0', 0, Buffer.from('short')),
    END,
  ];
  const [found] = await readAll(Buffer.concat(archive));
  assert.equal(found?.entry.name, name.toString('latin1'));
  assert.deepEqual(found?.entry.xattrs.get('security.capability'), value);
});

for (const format of ['gnu', 'posix --sparse-version=1.0', 'posix --sparse-version=0.1']) {
  test(`TarReader puts the data of a sparse file where GNU tar found it, format ${format}`, () =>
    withDirectory(async (directory) => {
      const path = `${directory}/sparse`;
      const fd = openSync(path, 'w');
      for (let run = 0; run < 40; run += 1) writeSync(fd, `run ${run}`, run * 1_000_000);
      ftruncateSync(fd, 50_000_000);
      closeSync(fd);
      const options = format.split(' ');
      const tar = ['--create', '--sparse', `--format=${options[0]}`, ...options.slice(1), '-C', directory, 'sparse'];
      const [found] = await readAll(execFileSync('tar', tar, { maxBuffer: 2 ** 28 }));
      assert.equal(found?.entry.name, 'sparse');
      assert.ok(found.content.equals(readFileSync(path)));
      assert.ok(found.entry.segments.reduce((sum, { length }) => sum + length, 0) < 2_000_000);
    }));
}

test('TarReader takes an archive without its final zeros, as Go writers of old left them out', async () => {
  const archive = await tarOf([{ name: 'a', text: 'A' }]);
  assert.equal((await readAll(archive.subarray(0, 1024))).length, 1);
});

test('TarReader refuses an archive that ends within a file', async () => {
  const archive = await tarOf([{ name: 'a', text: 'A'.repeat(5000) }]);
  await assert.rejects(readAll(archive.subarray(0, 3000)), { code: 'image-invalid', message: /middle of an entry/ });
});

test('TarReader refuses a header whose checksum is wrong', async () => {
  const archive = await tarOf([{ name: 'a', text: 'A' }]);
  archive[0] = 0x62;
  await assert.rejects(readAll(archive), { code: 'image-invalid', message: /checksum/ });
});

test('TarReader refuses an extended header over 1 MiB before it reads it', async () => {
  const archive = Buffer.concat([block('x', 2 ** 21, Buffer.from('x')), END]);
  await assert.rejects(readAll(archive), { code: 'image-invalid', message: /2097152 bytes; the limit is 1048576/ });
});

test('TarReader refuses an extended record that is longer than its header', async () => {
  const record = Buffer.from('99 path=etc/passwd\n');
  const archive = Buffer.concat([block('x', record.length, Buffer.from('x')), pad(record), block('0', 0, record), END]);
  await assert.rejects(readAll(archive), { code: 'image-invalid', message: /wrong length/ });
});
