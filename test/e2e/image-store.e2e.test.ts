import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TSSTACK } from '../helpers/client.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { type Entry, type LayoutImage, tarOf, writeLayout } from '../helpers/image-builder.ts';

/** busybox with a file of its own. */
async function busybox(text: string, tag: string): Promise<LayoutImage> {
  const links = ['sh', 'cat', 'sleep', 'wget'].map(
    (name): Entry => ({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' }),
  );
  const base = await tarOf([
    { name: 'bin/' },
    { name: 'bin/busybox', text: readFileSync('/bin/busybox'), mode: 0o755 },
    ...links,
  ]);
  const top = await tarOf([{ name: 'word', text }]);
  return { layers: [base, top], config: { Cmd: ['/bin/sleep', 'infinity'], Env: ['PATH=/bin'] }, tag };
}

interface Listed {
  readonly names: readonly string[];
  readonly id: string;
}

/** Of this test: the store may hold other images, which it leaves alone. */
async function list(project: Project): Promise<readonly Listed[]> {
  const all: readonly Listed[] = JSON.parse(await project.expect(0, 'image', 'ls', '--json'));
  return all.filter(({ names }) => names.some((name) => name.startsWith(project.name)));
}

e2e('images are loaded, run, saved as every tool reads them, and removed without a trace', async (project) => {
  const [one, two, other] = ['app:1', 'app:2', 'other:3'].map((name) => `${project.name}/${name}`) as [
    string,
    string,
    string,
  ];
  const before = blobs();
  const layout = writeLayout(join(project.scratch, 'layout'), [await busybox('one', one), await busybox('two', two)]);
  assert.equal(await project.expect(0, 'image', 'load', layout), `${one}\n${two}\n`);
  rmSync(layout, { recursive: true });

  project.write(
    `services:\n  one: {image: "${one}", stop_signal: KILL}\n  two: {image: "${two}", stop_signal: KILL}\n`,
  );
  await project.expect(0, 'up', '-d');
  assert.equal(await project.expect(0, 'exec', '-T', 'one', 'cat', '/word'), 'one');
  assert.equal(await project.expect(0, 'exec', '-T', 'two', 'cat', '/word'), 'two');
  assert.match(await project.expect(0, 'plan'), /Nothing to do/);

  const uses: readonly { kind: string; count: number; active: number; sizeBytes: number; reclaimableBytes: number }[] =
    JSON.parse(await project.expect(0, 'system', 'df', '--json'));
  const [images, layers, containers] = ['images', 'unpacked layers', 'containers'].map((wanted) =>
    uses.find(({ kind }) => kind === wanted),
  );
  assert.deepEqual([images?.kind, images?.active, containers?.active], ['images', 2, 2]);
  assert.ok((layers?.active ?? 0) >= 3 && (layers?.sizeBytes ?? 0) > 1_000_000 && (images?.sizeBytes ?? 0) > 500_000);

  // Used: refused, and nothing is half done. Another name can be taken away.
  const refused = await project.tsstack(['image', 'rm', one, two]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, new RegExp(`Image "${one}" is used by ${project.name}-one-1`));
  await project.expect(0, 'image', 'tag', one, other);
  assert.deepEqual((await list(project)).map(({ names }) => names.join()).toSorted(), [`${one},${other}`, two]);
  await project.expect(0, 'image', 'rm', one);

  const archive = join(project.scratch, 'saved.tar');
  await project.expect(0, 'image', 'save', other, two, '-o', archive);
  // Through a pipe, the same bytes.
  execFileSync('sh', ['-c', '"$0" image save "$2" "$3" | cmp - "$1"', TSSTACK, archive, other, two]);
  const members = execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }).split('\n');
  for (const name of ['oci-layout', 'index.json', 'manifest.json']) assert.ok(members.includes(name), name);

  // Forced: what runs goes on, and what is stopped starts again.
  await project.expect(0, 'image', 'rm', '-f', two);
  assert.equal(await project.expect(0, 'exec', '-T', 'two', 'cat', '/word'), 'two');
  await project.expect(0, 'restart', 'two');
  assert.equal(await project.expect(0, 'exec', '-T', 'two', 'cat', '/word'), 'two');
  await project.expect(0, 'down');
  await project.expect(0, 'image', 'rm', other);
  assert.deepEqual(await list(project), []);
  assert.deepEqual(blobs(), before);

  // From standard input, and started by the id that it had.
  execFileSync('sh', ['-c', '"$0" image load < "$1"', TSSTACK, archive], { stdio: 'pipe' });
  const listed = await list(project);
  assert.deepEqual(listed.flatMap(({ names }) => names).toSorted(), [two, other]);
  project.write(`services: {it: {image: "${listed[0]?.id}", stop_signal: KILL}}\n`);
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'down');
  await project.expect(0, 'image', 'rm', two, other);
  assert.deepEqual(blobs(), before);
});

function blobs(): readonly string[] {
  const directory = '/var/lib/tsstack/images/content/blobs/sha256';
  if (!existsSync(directory)) return [];
  return execFileSync('ls', [directory], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name !== '');
}

e2e('an image whose layer is not what it should be is one error, and nothing is kept', async (project) => {
  const before = blobs();
  const layout = writeLayout(join(project.scratch, 'layout'), [await busybox('one', `${project.name}/app:1`)]);
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const manifestPath = join(layout, 'blobs', index.manifests[0].digest.replace(':', '/'));
  const layer = JSON.parse(readFileSync(manifestPath, 'utf8')).layers[1].digest;
  const path = join(layout, 'blobs', layer.replace(':', '/'));
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  writeFileSync(path, bytes);
  const { status, stderr } = await project.tsstack(['image', 'load', layout]);
  assert.equal(status, 1);
  assert.match(stderr, /a blob has the digest sha256:\w+, not sha256:/);
  assert.deepEqual(await list(project), []);
  assert.deepEqual(blobs(), before);
});
