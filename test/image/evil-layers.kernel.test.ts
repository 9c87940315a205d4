import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { unpackArchive } from '../../src/build/remote/archive.ts';
import { inspectImage, rootFilesystem, unpackImage } from '../../src/image/image.ts';
import type { ImageSource } from '../../src/model/stack.ts';
import { ROOT } from '../helpers/client.ts';
import { simpleHost } from '../helpers/simple-host.ts';

const MAKER = resolve(ROOT, '../shared/security/make-evil-layers.py');
const MISSING = existsSync(MAKER) ? false : `no ${MAKER}`;
/** What the images look after: a sign that something was written outside. */
const CANARIES = '/tmp/evil-target';
const MEMORY_MIB = 512;
/** Of one image, taken as archives of their own: there is one with a thousand. */
const MOST_ARCHIVES = 3;

interface Case {
  readonly verdict: 'accept' | 'reject' | 'contain';
  readonly why: string;
  readonly format: 'oci-layout' | 'docker-archive';
  readonly path: string;
  readonly tag: string;
}

/** A file system of its own: one of the images is a terabyte. */
let scratch = '';
let cases: Readonly<Record<string, Case>> = {};

before(() => {
  if (MISSING !== false) return;
  scratch = mkdtempSync(join(tmpdir(), 'tsstack-evil-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4g', 'tsstack-evil', scratch]);
  execFileSync('python3', [MAKER, join(scratch, 'images')], { stdio: 'ignore' });
  cases = JSON.parse(readFileSync(join(scratch, 'images/expected.json'), 'utf8')).cases;
});
after(() => {
  if (MISSING !== false) return;
  execFileSync('umount', [scratch]);
  rmdirSync(scratch);
  rmSync(CANARIES, { recursive: true, force: true });
});

/** Unpacks one image into a store of its own; the merged tree is given to `use`, undefined with the error's message when refused. */
async function unpacked(
  { format, path, tag }: Case,
  use: (root: string | undefined, message: string) => void,
): Promise<void> {
  const state = join(scratch, 'state');
  mkdirSync(state);
  const context = { host: simpleHost(), paths: { state, run: join(state, 'run') } };
  const type = format === 'oci-layout' ? 'oci' : 'docker-archive';
  const source: ImageSource = { type, path: join(scratch, 'images', path), tag };
  try {
    const { id } = await inspectImage(context, source);
    await unpackImage(context, source, id, new AbortController().signal);
    const { lower } = await rootFilesystem(context, source, id);
    merged(lower, (root) => use(root, ''));
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.equal((error as { code?: string }).code, 'image-invalid', String(error));
    use(undefined, (error as Error).message);
    for (const kept of ['layers', 'unpacked', 'staging']) {
      const left = spawnSync('find', [join(state, 'images', kept), '-mindepth', '1'], { encoding: 'utf8' }).stdout;
      assert.equal(left, '', 'nothing is left of what was refused');
    }
  } finally {
    rmSync(state, { recursive: true });
  }
}

/** As a container sees its layers. */
function merged(lower: readonly string[], use: (root: string) => void): void {
  const [only] = lower;
  if (only !== undefined && lower.length === 1) {
    use(only);
    return;
  }
  const target = join(scratch, 'merged');
  mkdirSync(target);
  execFileSync('mount', ['-t', 'overlay', 'tsstack-evil', '-o', `ro,lowerdir=${lower.join(':')}`, target]);
  try {
    use(target);
  } finally {
    execFileSync('umount', [target]);
    rmdirSync(target);
  }
}

/** Files of an image's layers, bottom first; empty where not even the manifest can be read. */
function layersOf({ format, path }: Case): readonly string[] {
  if (format !== 'oci-layout') return [];
  const blob = (digest: string): string => join(scratch, 'images', path, 'blobs', digest.replace(':', '/'));
  try {
    const index = JSON.parse(readFileSync(join(scratch, 'images', path, 'index.json'), 'utf8'));
    const manifest = JSON.parse(readFileSync(blob(index.manifests[0].digest), 'utf8'));
    return manifest.layers.map(({ digest }: { readonly digest: string }) => blob(digest)).filter(existsSync);
  } catch {
    return [];
  }
}

/** Unpacks a layer as ADD does a file of the context. `use` as of `unpacked()`. */
async function added(layer: string, use: (root: string | undefined, message: string) => void): Promise<void> {
  const [directory, staging] = [join(scratch, 'added'), join(scratch, 'added-staging')];
  for (const each of [directory, staging]) mkdirSync(each);
  const { signal } = new AbortController();
  try {
    await unpackArchive(createReadStream(layer), { host: simpleHost(), directory, staging, signal });
    use(directory, '');
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.equal((error as { code?: string }).code, 'build-failed', String(error));
    use(undefined, (error as Error).message);
  } finally {
    for (const each of [directory, staging]) rmSync(each, { recursive: true });
  }
}

/** What is wrong with what came of an image; empty: nothing, canaries included. */
function complaint(name: string, root: string | undefined): string {
  const argv = [MAKER, '--verify', join(scratch, 'images'), name, root ?? '-', root === undefined ? '1' : '0'];
  const { status, stdout } = spawnSync('python3', argv, { encoding: 'utf8' });
  return status === 0 ? '' : stdout;
}

describe('hostile images', { skip: MISSING, timeout: 600_000 }, () => {
  it('each is unpacked, refused or contained as its verdict says, and nothing is written outside', async (t) => {
    let count = 0;
    for (const [name, each] of Object.entries(cases)) {
      await t.test(`${name} (${each.verdict}): ${each.why}`, { timeout: 60_000 }, () =>
        unpacked(each, (root, message) => {
          const wrong = complaint(name, root);
          assert.equal(wrong, '', `${wrong}${message}`);
        }),
      );
      count += 1;
    }
    assert.ok(count >= 128, `${count} images`);
  });

  it('as archives that ADD unpacks they write nothing outside either, and what is proper is unpacked', async (t) => {
    const outside = readdirSync(CANARIES).map((name) => readFileSync(join(CANARIES, name), 'utf8'));
    let proper = 0;
    for (const [name, each] of Object.entries(cases)) {
      const layers = layersOf(each).slice(0, MOST_ARCHIVES);
      await t.test(`${name}, ${layers.length} archives`, { timeout: 60_000 }, async () => {
        for (const layer of layers) {
          await added(layer, (root, message) => {
            assert.deepEqual(
              readdirSync(CANARIES).map((name) => readFileSync(join(CANARIES, name), 'utf8')),
              outside,
            );
            if (each.verdict !== 'accept' || layers.length > 1 || /whiteout|\.wh\./.test(message)) return;
            const wrong = complaint(name, root);
            assert.equal(wrong, '', `${wrong}${message}`);
            proper += 1;
          });
        }
      });
    }
    assert.ok(proper > 20, `${proper} archives`);
  });

  it('in bounded memory', () => {
    assert.ok(process.resourceUsage().maxRSS / 1024 < MEMORY_MIB);
  });
});
