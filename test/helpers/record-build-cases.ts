/**
 * Records what BuildKit makes of test/build/cases. Docker need not run on this machine:
 *
 *     node test/helpers/record-build-cases.ts prepare DIR     contexts, the base image and DIR/build.sh
 *     sh DIR/build.sh                                         where docker with buildx and the containerd store is
 *     node test/helpers/record-build-cases.ts read DIR        writes expected.json of each case that was built
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { baseArchive, buildArguments, buildCases, makeContext, SECRET } from './build-cases.ts';
import { withBuildEngine } from './build-engine.ts';
import { loadArchive } from './compare-cases.ts';
import { describeImage } from './describe-image.ts';

async function prepare(directory: string): Promise<void> {
  mkdirSync(`${directory}/cases`, { recursive: true });
  mkdirSync(`${directory}/images`);
  writeFileSync(`${directory}/base.tar`, await baseArchive());
  writeFileSync(`${directory}/token`, SECRET);
  const script = ['cd "$(dirname "$0")"', 'docker load -q -i base.tar'];
  for (const each of buildCases()) {
    const { name, parents } = each;
    makeContext(each, `${directory}/cases/${name}`);
    const build = (tag: string, file: string, more: readonly string[]): string =>
      [
        'docker build -q --no-cache --network none --provenance=false --secret id=token,src=token',
        ...more.map((argument) => `'${argument}'`),
        `-t ${tag} -f cases/${name}/${file} cases/${name}`,
      ].join(' ');
    const steps = [
      ...Object.entries(parents).map(([parent, file]) => build(parent, file, [])),
      build(`case-${name}`, 'Dockerfile', buildArguments(each)),
      `docker save -o images/${name}.tar case-${name}`,
    ];
    script.push(
      `{ ${steps.join(' && ')}; } > images/${name}.log 2>&1 || { echo "${name}:"; tail -n 20 images/${name}.log; }`,
    );
  }
  writeFileSync(`${directory}/build.sh`, `${script.join('\n')}\n`);
}

async function read(directory: string): Promise<void> {
  await withBuildEngine(async (engine) => {
    for (const { name, directory: own } of buildCases()) {
      const path = `${directory}/images/${name}.tar`;
      if (!existsSync(path)) continue;
      await loadArchive(engine, path);
      const image = await describeImage(await engine.tree(`case-${name}`), engine.config(`case-${name}`));
      const file = `${own}/expected.json`;
      // What has not changed stays as it was formatted.
      if (existsSync(file) && isDeepStrictEqual(JSON.parse(readFileSync(file, 'utf8')), image)) continue;
      writeFileSync(file, `${JSON.stringify(image, undefined, 2)}\n`);
    }
  });
}

const [action, directory] = process.argv.slice(2);
if (directory === undefined || (action !== 'prepare' && action !== 'read')) {
  console.error('usage: record-build-cases.ts prepare|read DIR');
  process.exitCode = 2;
} else await (action === 'prepare' ? prepare : read)(directory);
