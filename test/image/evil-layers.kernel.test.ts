import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspectImage, rootFilesystem, unpackImage } from '../../src/image/image.ts';
import type { ImageSource } from '../../src/model/stack.ts';
import { ROOT } from '../helpers/client.ts';
import { simpleHost } from '../helpers/simple-host.ts';

const MAKER = resolve(ROOT, '../shared/security/make-evil-layers.py');
const MISSING = existsSync(MAKER) ? false : `no ${MAKER}`;
/** What the images look after: a sign that something was written outside. */
const CANARIES = '/tmp/evil-target';
const MEMORY_MIB = 512;

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

describe('hostile images', { skip: MISSING, timeout: 600_000 }, () => {
  it('each is unpacked, refused or contained as its verdict says, and nothing is written outside', async (t) => {
    let count = 0;
    for (const [name, each] of Object.entries(cases)) {
      await t.test(`${name} (${each.verdict}): ${each.why}`, { timeout: 60_000 }, () =>
        unpacked(each, (root, message) => {
          const argv = [MAKER, '--verify', join(scratch, 'images'), name, root ?? '-', root === undefined ? '1' : '0'];
          const { status, stdout } = spawnSync('python3', argv, { encoding: 'utf8' });
          assert.equal(status, 0, `${stdout}${message}`);
        }),
      );
      count += 1;
    }
    assert.ok(count >= 128, `${count} images`);
  });

  it('in bounded memory', () => {
    assert.ok(process.resourceUsage().maxRSS / 1024 < MEMORY_MIB);
  });
});
