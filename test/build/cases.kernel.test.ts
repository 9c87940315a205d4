import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BuildCase, buildCases, makeContext } from '../helpers/build-cases.ts';
import type { BuildEngine } from '../helpers/build-engine.ts';
import { type CasesEngine, expectedOf, openCasesEngine } from '../helpers/compare-cases.ts';
import { type DescribedImage, describeImage } from '../helpers/describe-image.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';

describe('Dockerfiles give what BuildKit gives', { skip }, () => {
  let opened: CasesEngine;
  before(async () => {
    opened = await openCasesEngine();
  });
  after(() => opened.close());

  for (const each of buildCases()) {
    test(each.name, async () => assert.deepEqual(await builtByUs(opened.engine, each), expectedOf(each)));
  }
});

async function builtByUs({ build, directory, tree, config }: BuildEngine, each: BuildCase): Promise<DescribedImage> {
  const context = `${directory}/${each.name}`;
  makeContext(each, context);
  for (const [name, file] of Object.entries(each.parents)) {
    await build(undefined, { context, dockerfile: `${context}/${file}` }, { name });
  }
  const { args, target } = each;
  const own = { context, dockerfile: `${context}/Dockerfile`, args, ...(target !== undefined && { target }) };
  await build(undefined, own);
  return describeImage(await tree('built'), config('built'));
}
