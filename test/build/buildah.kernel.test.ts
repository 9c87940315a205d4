import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type BuildCase, buildArguments, buildCases, makeContext, SECRET } from '../helpers/build-cases.ts';
import { type CasesEngine, loadArchive, openCasesEngine, recordedOf } from '../helpers/compare-cases.ts';
import { type DescribedImage, describeImage } from '../helpers/describe-image.ts';

const run = promisify(execFile);
/** What buildah mounts something over stays in the image. */
const LEFT = 'file 755 0:0 ""';

/** A second opinion on what is recorded. Cases that buildah does otherwise say what it does, and are left out. */
describe('buildah gives what BuildKit gave', { skip: missing() }, () => {
  let opened: CasesEngine;
  before(async () => {
    opened = await openCasesEngine();
    await buildah(['pull', '-q', `docker-archive:${place()}/base.tar`]);
    writeFileSync(`${place()}/token`, SECRET);
  });
  after(() => opened.close());

  for (const each of buildCases().filter(({ buildah: differs }) => differs === undefined)) {
    test(each.name, async () => assert.deepEqual(await builtByBuildah(each), recordedOf(each)));
  }

  /** Of this test, beside the engine's contexts. */
  function place(): string {
    return `${opened.engine.directory}/..`;
  }

  async function builtByBuildah(each: BuildCase): Promise<DescribedImage> {
    const { engine } = opened;
    const context = `${engine.directory}/${each.name}`;
    makeContext(each, context);
    for (const [name, file] of Object.entries(each.parents)) await bud(name, `${context}/${file}`, [context]);
    await bud(`case-${each.name}`, `${context}/Dockerfile`, [...buildArguments(each), context]);
    const archive = `${place()}/${each.name}.tar`;
    await buildah(['push', '-q', `case-${each.name}`, `docker-archive:${archive}:case-${each.name}:latest`]);
    await loadArchive(engine, archive);
    const { config, files } = await describeImage(
      await engine.tree(`case-${each.name}`),
      engine.config(`case-${each.name}`),
    );
    const own = Object.entries(files).filter(
      ([path, text]) => !/^etc\/(hosts|hostname|resolv.conf)$/.test(path) || text !== LEFT,
    );
    return { config, files: Object.fromEntries(own) };
  }

  function bud(name: string, file: string, more: readonly string[]): Promise<void> {
    const options = ['-q', '--isolation', 'chroot', '--pull-never', '--format', 'docker', '--identity-label=false'];
    return buildah(['bud', ...options, '--secret', `id=token,src=${place()}/token`, '-t', name, '-f', file, ...more]);
  }

  async function buildah(args: readonly string[]): Promise<void> {
    await run('buildah', [
      ...['--root', `${place()}/root`, '--runroot', `${place()}/run-buildah`, '--storage-driver', 'vfs'],
      ...args,
    ]);
  }
});

function missing(): string | false {
  if (process.getuid?.() !== 0) return 'not root';
  return spawnSync('buildah', ['--version']).status === 0
    ? false
    : 'buildah is not installed (scripts/setup.sh --tests)';
}
