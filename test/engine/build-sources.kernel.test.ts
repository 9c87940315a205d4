import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { withBuildEngine } from '../helpers/build-engine.ts';
import { GitServer, gitScript } from '../helpers/git-server.ts';
import { tarOf, writeLayout } from '../helpers/image-builder.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';

const archive = async (): Promise<Buffer> =>
  gzipSync(
    await tarOf([
      { name: 'deep/', mode: 0o750, uid: 7, gid: 8 },
      { name: 'deep/file', text: 'packed', mode: 0o640, uid: 7, gid: 8 },
    ]),
  );

/** A server of the loopback with these files, by path. */
async function serving<Result>(
  files: Readonly<Record<string, Buffer>>,
  use: (origin: string) => Promise<Result>,
): Promise<Result> {
  const server = createHttpServer((request, response) => {
    const file = files[request.url ?? ''];
    response.writeHead(file === undefined ? 404 : 200, { connection: 'close' }).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('ADD unpacks archives of the context, and copies other files and --unpack=false as they are', { skip }, () =>
  withBuildEngine(async ({ build, write, text, tree, steps, directory }) => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(directory, 'a.tgz'), await archive());
    write({ plain: 'plain' });
    const dockerfile = 'FROM base\nADD a.tgz plain /srv/\nADD --unpack=false a.tgz /kept\nADD a.tgz /fresh\n';
    await build(dockerfile);
    assert.equal(await text('built', 'srv/deep/file'), 'packed');
    assert.equal(await text('built', 'srv/plain'), 'plain');
    const files = await tree('built');
    const entry = files.entry('srv/deep/file');
    assert.deepEqual([entry?.mode, entry?.uid, entry?.gid], [0o640, 7, 8], 'as the archive says');
    assert.equal(files.entry('kept')?.type, 'file');
    assert.equal(files.entry('fresh/deep')?.type, 'directory');
    await build(dockerfile);
    assert.equal(steps('cached').length, 3);
  }),
);

test('ADD brings files of the web, checked and not unpacked; a wrong checksum says where', { skip }, async () => {
  const content = await archive();
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  await serving({ '/a.tgz': content }, (origin) =>
    withBuildEngine(async ({ build, tree, text }) => {
      await build(
        `FROM base\nADD --checksum=${digest} ${origin}/a.tgz /web/\nADD --unpack=true ${origin}/a.tgz /open/\n`,
      );
      const entry = (await tree('built')).entry('web/a.tgz');
      assert.deepEqual([entry?.type, entry?.mode, entry?.size], ['file', 0o600, content.length]);
      assert.equal(await text('built', 'open/deep/file'), 'packed');
      await assert.rejects(build(`FROM base\nADD --checksum=sha256:${'0'.repeat(64)} ${origin}/a.tgz /\n`), {
        code: 'build-failed',
        message: /^dockerfile_inline:2: .*sha256/,
      });
      await assert.rejects(build(`FROM base\nADD ${origin}/none /\n`), { message: /^dockerfile_inline:2: .*404/ });
    }),
  );
});

test('a repository is a context, what ADD takes, and a named context', { skip }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-git-'));
  mkdirSync(join(scratch, 'served'));
  gitScript(
    scratch,
    `git init -q --bare served/app.git; git init -q app; cd app; mkdir image; echo hello > image/file; echo no > image/left
     echo left > image/.dockerignore; printf 'FROM base\\nCOPY . /all/\\n' > image/Dockerfile
     git add .; git commit -qm 1; git push -q ../served/app.git main`,
  );
  const server = await GitServer.start(join(scratch, 'served'));
  const url = `${server.origin}/app.git`;
  try {
    await withBuildEngine(async ({ build, text }) => {
      await build(undefined, { context: `${url}#main:image` });
      assert.equal(await text('built', 'all/file'), 'hello\n');
      assert.equal(await text('built', 'all/left'), undefined);
      await build(`FROM base\nADD ${url} /repository\nCOPY --from=other image/file /other\n`, {
        contexts: { other: { type: 'url', url } },
      });
      assert.equal(await text('built', 'repository/image/left'), 'no\n');
      assert.equal(await text('built', 'repository/.git'), undefined);
      assert.equal(await text('built', 'other'), 'hello\n');
    });
  } finally {
    server.close();
    rmSync(scratch, { recursive: true });
  }
});

test('a context from the web is an archive, or the Dockerfile alone', { skip }, async () => {
  const packed = await tarOf([
    { name: 'Dockerfile', text: 'FROM base\nCOPY word /\n' },
    { name: 'word', text: 'word' },
  ]);
  await serving({ '/c.tar': packed, '/alone': Buffer.from('FROM base\nRUN echo alone > /word\n') }, (origin) =>
    withBuildEngine(async ({ build, text }) => {
      await build(undefined, { context: `${origin}/c.tar` });
      assert.equal(await text('built', 'word'), 'word');
      await build(undefined, { context: `${origin}/alone` });
      assert.equal(await text('built', 'word'), 'alone\n');
    }),
  );
});

test(
  'named contexts are directories, images and layouts, and come before stages and images of their name',
  { skip },
  () =>
    withBuildEngine(async ({ build, write, text, directory }) => {
      write({ 'other/file': 'of the directory', 'other/ignored': 'x', 'other/.dockerignore': 'ignored' });
      const layout = writeLayout(join(directory, 'layout'), [
        { tag: 'v1', layers: [await tarOf([{ name: 'layout', text: 'of the layout' }])] },
      ]);
      await build('FROM start\nCOPY --from=dir . /dir/\nCOPY --from=oci layout /layout\n', {
        contexts: {
          start: { type: 'image', reference: 'base' },
          dir: { type: 'directory', path: join(directory, 'other') },
          oci: { type: 'oci', path: layout, tag: 'v1' },
        },
      });
      assert.equal(await text('built', 'dir/file'), 'of the directory');
      assert.equal(await text('built', 'dir/ignored'), undefined);
      assert.equal(await text('built', 'layout'), 'of the layout');
    }),
);

test("a RUN has a network of its own, none, or the host's where it is entitled to", { skip }, () =>
  withBuildEngine(async ({ build, output }) => {
    await build('FROM base\nRUN ls /sys/class/net\n', { network: 'default' });
    assert.match(output(), /eth0\nlo\n/);
    await build('FROM base\nRUN --network=none ls /sys/class/net\n', { network: 'default' });
    assert.equal(output(), 'lo\n');
    const host = 'FROM base\nRUN --network=host ls /sys/class/net && cat /etc/hosts\n';
    await assert.rejects(build(host), { message: /^dockerfile_inline:2: .*network\.host/, hint: /entitlements/ });
    await build(host, { entitlements: ['network.host'], extraHosts: [{ host: 'far', address: '192.0.2.7' }] });
    assert.match(output(), /192\.0\.2\.7\s+far/);
  }),
);

test('the socket of an ssh agent is there for the RUN that asks for it', { skip }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsstack-agent-'));
  const agent = createServer();
  await new Promise<void>((resolve) => agent.listen(join(directory, 'agent'), resolve));
  try {
    await withBuildEngine(async ({ build, output, tree }) => {
      const ssh = { default: join(directory, 'agent') };
      await build(
        'FROM base\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && echo there\nRUN echo "<$SSH_AUTH_SOCK>"\n',
        { ssh },
      );
      assert.equal(output(), 'there\n<>\n');
      assert.equal((await tree('built')).entry('run'), undefined);
      await assert.rejects(build('FROM base\nRUN --mount=type=ssh,required true\n'), {
        message: /ssh agent "default"/,
      });
    });
  } finally {
    agent.close();
    rmSync(directory, { recursive: true });
  }
});

test('several platforms give an index, of which each machine takes its own', { skip }, () =>
  withBuildEngine(async ({ build, engine, write, config }) => {
    write({ file: 'x' });
    await build('FROM scratch\nARG TARGETARCH\nCOPY file /\nLABEL arch=$TARGETARCH\n', {
      platforms: ['linux/amd64', 'linux/arm64'],
    });
    const { content } = engine.images;
    const root = content.index.names().get('docker.io/library/built:latest');
    const index = JSON.parse(content.document({ digest: root?.digest ?? '' }).toString()) as {
      manifests: { platform: { architecture: string } }[];
    };
    assert.deepEqual(
      index.manifests.map(({ platform }) => platform.architecture),
      ['amd64', 'arm64'],
    );
    assert.deepEqual((config('built')['config'] as { Labels: unknown }).Labels, {
      arch: config('built')['architecture'],
    });
  }),
);
