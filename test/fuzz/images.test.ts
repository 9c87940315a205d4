import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { parseConfig, parseHistory } from '../../src/image/config.ts';
import { parseNamedIndex } from '../../src/image/content/index-file.ts';
import { parseReference } from '../../src/image/content/reference.ts';
import { decompress } from '../../src/image/layer/decompress.ts';
import { parseEntryPath } from '../../src/image/layer/entry-path.ts';
import { parseDump } from '../../src/image/layer/setfattr.ts';
import { parseIndex, parseManifest } from '../../src/image/manifest.ts';
import { platformFromText } from '../../src/image/platform.ts';
import { retryAfterMs } from '../../src/image/registry/answer-failure.ts';
import { parseChallenges } from '../../src/image/registry/challenge.ts';
import { parsePax } from '../../src/image/tar/pax.ts';
import { TarReader } from '../../src/image/tar/tar-reader.ts';
import { parseProfile } from '../../src/runtime/seccomp/profile.ts';
import { resolveUser } from '../../src/runtime/user.ts';
import { damagedBytes, damagedJson, fuzz } from '../helpers/fuzz.ts';
import { tarOf } from '../helpers/image-builder.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const descriptor = (mediaType: string) => ({ mediaType, digest: DIGEST, size: 12, annotations: { a: 'b' } });
const LAYER = descriptor('application/vnd.oci.image.layer.v1.tar+gzip');
const MANIFEST = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: descriptor('application/vnd.oci.image.config.v1+json'),
  layers: [LAYER, LAYER],
};
const INDEX = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    {
      ...descriptor('application/vnd.oci.image.manifest.v1+json'),
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      annotations: { 'io.containerd.image.name': 'docker.io/library/x:1', 'org.opencontainers.image.ref.name': 'x:1' },
    },
  ],
};
const CONFIG = {
  created: '2026-01-02T03:04:05Z',
  os: 'linux',
  architecture: 'amd64',
  rootfs: { type: 'layers', diff_ids: [DIGEST] },
  history: [{ created: '2026-01-02T03:04:05Z', created_by: 'x', comment: 'y', empty_layer: true }],
  config: {
    Entrypoint: ['/a'],
    Cmd: ['b'],
    Env: ['A=1', 'B='],
    WorkingDir: '/w',
    User: '1:2',
    Volumes: { '/v': {} },
    ExposedPorts: { '80/tcp': {} },
    Labels: { l: 'm' },
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['CMD', 'x'], Interval: 1_000_000_000, Timeout: 1, StartPeriod: 0, Retries: 3 },
    Shell: ['/bin/sh', '-c'],
    OnBuild: ['RUN x'],
  },
};
const PROFILE = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
  syscalls: [
    {
      names: ['read', 'write'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_EQ' }],
    },
    {
      names: ['bpf'],
      action: 'SCMP_ACT_ALLOW',
      includes: { caps: ['CAP_BPF'], minKernel: '4.8' },
      excludes: { arches: ['x'] },
    },
  ],
};

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

const TAR = await tarOf([
  { name: 'dir/' },
  { name: `dir/${'long'.repeat(60)}`, text: Buffer.alloc(3_000, 'x') },
  { name: 'link', type: 'symlink', linkname: 'dir' },
  { name: 'fi\u00fcle', pax: { 'SCHILY.xattr.user.a': 'b', mtime: '1.5' }, text: 'y' },
]);

/** All of an archive, the data of its entries too; no more than some megabytes of those that say they are larger. */
async function readTar(bytes: Buffer): Promise<void> {
  const reader = new TarReader(pieces(bytes));
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    for (const { length } of entry.segments) {
      for (let left = Math.min(length, 1 << 22); left > 0; ) left -= (await reader.data(left))?.length ?? left;
    }
  }
}

test('tar headers, PAX records and sparse maps of any bytes', () => fuzz(damagedBytes([TAR]), readTar, { runs: 150 }));

test('PAX records of any bytes', () =>
  fuzz(damagedBytes(['20 path=some/name.x\n30 mtime=1234567.5\n', '11 size=99\n']), parsePax));

test('compressed streams of any bytes', async () => {
  const seeds = [gzipSync(TAR), zstdCompressSync(TAR), Buffer.concat([gzipSync('a'), gzipSync('b')])];
  await fuzz(damagedBytes(seeds), async (bytes) => {
    let size = 0;
    for await (const chunk of decompress(pieces(bytes))) {
      size += chunk.length;
      if (size > 1 << 24) return;
    }
  });
});

test('manifests, indexes and configurations of any shape', async () => {
  const parsers = [
    parseManifest,
    parseIndex,
    parseNamedIndex,
    parseConfig,
    (text: Buffer) => parseHistory(text, [1, 2]),
  ];
  const all = (text: Buffer) => parsers.map((parse) => () => parse(text));
  const documents = fc.oneof(
    damagedJson([MANIFEST, INDEX, CONFIG]),
    damagedBytes([MANIFEST, INDEX, CONFIG].map((each) => JSON.stringify(each))),
  );
  for (const index of parsers.keys()) await fuzz(documents, (text) => all(text)[index]?.());
});

test('profiles of system calls of any shape', () =>
  fuzz(fc.oneof(damagedJson([PROFILE]), damagedBytes([JSON.stringify(PROFILE)])), (text) =>
    parseProfile(text.toString(), 'profile.json'),
  ));

test('names of images and platforms of any text', async () => {
  const names = [
    `registry.example:5000/a/b_c/d:tag-1@sha256:${'b'.repeat(64)}`,
    'alpine',
    'linux/arm64/v8',
    'localhost/x',
  ];
  await fuzz(damagedBytes(names), (text) => parseReference(text.toString()));
  await fuzz(damagedBytes(names), (text) => platformFromText(text.toString()));
  await fuzz(damagedBytes([...names, './a/../b//c', '/etc/passwd', '.wh..wh..opq', 'a/.wh.b']), (text) =>
    parseEntryPath(text.toString('latin1')),
  );
});

test('headers of registries of any text', async () => {
  const headers = [
    'Bearer realm="https://a/b",service="c",scope="repository:x:pull,push"',
    'Basic realm=x, Digest a="\\"b"',
  ];
  await fuzz(damagedBytes(headers), (text) => parseChallenges(text.toString('latin1')));
  await fuzz(damagedBytes(['120', 'Wed, 21 Oct 2026 07:28:00 GMT']), (text) =>
    retryAfterMs({ headers: { 'retry-after': text.toString('latin1') } } as Parameters<typeof retryAfterMs>[0]),
  );
});

test("users and groups of an image's files of any text", async () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:,,,:/home/web:/bin/sh\n';
  const group = 'root:x:0:\nwheel:x:10:web,root\nweb:x:1000:\n';
  await fuzz(
    fc.tuple(damagedBytes(['web', '0:0', 'web:wheel', '1000']), damagedBytes([passwd, group])),
    ([user, text]) => {
      const files = { passwd: text.toString(), group: text.toString(), image: 'web' };
      resolveUser(user.toString(), ['wheel', '5'], files);
    },
  );
});

test('extended attributes as they are dumped, of any text', () =>
  fuzz(damagedBytes(['# file: a\\040b\nuser.x=0sYWJj\nsecurity.capability=0sAAAA\n\n# file: c\nuser.y\n']), (text) =>
    parseDump(text.toString('latin1')),
  ));
