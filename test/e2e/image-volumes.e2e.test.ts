import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { e2e, type Project } from '../helpers/e2e.ts';
import { type LayoutImage, tarOf, writeLayout } from '../helpers/image-builder.ts';

/** Three layers: what the second hides is not seen, a link leads out of the directory that it is in, and out of the image. */
async function layered(word: string, tag: string): Promise<LayoutImage> {
  const layers = [
    await tarOf([
      { name: 'site/' },
      { name: 'site/word', text: 'below' },
      { name: 'site/gone', text: 'gone' },
      { name: 'site/owned', text: 'x', uid: 33, gid: 33 },
      { name: 'out', type: 'symlink', linkname: '../../../etc' },
      { name: 'etc/' },
      { name: 'etc/inside', text: 'inside' },
    ]),
    await tarOf([{ name: 'site/.wh.gone', text: '' }]),
    await tarOf([{ name: 'site/word', text: word }]),
  ];
  return { layers, tag };
}

async function load(project: Project, images: readonly LayoutImage[]): Promise<void> {
  const directory = join(project.scratch, `layout-${Math.random()}`);
  await project.expect(0, 'image', 'load', writeLayout(directory, images));
}

const SEE = 'cat /site/word /dir/word /file /one/word /out/inside; ls /dir; grep -c " /site ro" /proc/self/mountinfo';

for (const userns of ['host', 'private']) {
  e2e(
    `images are mounted read-only, whole and in part${userns === 'private' ? ', in a user namespace too' : ''}`,
    async (project) => {
      const [name, single] = [`${project.name}/site:1`, `${project.name}/single:1`];
      const stack = (subpath: string): void =>
        project.write(`services:
  app:
    command: [sleep, infinity]
    stop_signal: KILL
    userns_mode: ${userns === 'host' ? '""' : userns}
    volumes:
      - {type: image, source: "${name}", target: /site, image: {subpath: site}}
      - {type: image, source: "${name}", target: /all}
      - {type: image, source: "${name}", target: /dir, image: {subpath: ${subpath}}}
      - {type: image, source: "${name}", target: /file, image: {subpath: site/word}}
      - {type: image, source: "${name}", target: /out, image: {subpath: out}}
      - {type: image, source: "${single}", target: /one}
`);
      stack('site');
      const run = (script: string): Promise<string> => project.expect(0, 'exec', '-T', 'app', 'sh', '-c', script);
      try {
        const missing = await project.tsstack(['up', '-d', '--pull', 'never']);
        assert.equal(missing.status, 1);
        assert.match(missing.stderr, /Cannot mount image ".*site:1" on \/site of service "app"/);

        await load(project, [
          await layered('top', name),
          { layers: [await tarOf([{ name: 'word', text: 'single' }])], tag: single },
        ]);
        await project.expect(0, 'up', '-d');
        assert.equal(await run(SEE), 'toptoptopsingleinsideowned\nword\n1\n');
        assert.equal(await run('cat /all/site/word; stat -c %u /all/site/owned /site/word'), 'top33\n0\n');
        const refused = 'for at in /site /all /one; do touch $at/x && echo written; done; echo x >/file; true';
        assert.equal(await run(`(${refused}) 2>&1 | grep -v -i "read-only"; true`), '');
        assert.match(await project.expect(0, 'plan'), /Nothing to do/);
        assert.match((await project.tsstack(['image', 'rm', single])).stderr, /is used by/);
        assert.match(await project.expect(0, 'cp', 'app:/all/site/word', '-'), /top/);

        // Its layers stay while a container mounts it, whatever becomes of its name.
        await project.expect(0, 'image', 'rm', '-f', name);
        await project.expect(0, 'system', 'prune', '-f');
        await project.expect(0, 'restart', 'app');
        assert.equal(await run('cat /all/site/word'), 'top');
        assert.match(await project.expect(0, 'cp', 'app:/all/site/word', '-'), /top/);

        // Another image of the same name: another container.
        await load(project, [await layered('new', name)]);
        assert.match(await project.expect(0, 'plan'), /mounts\.\/all\.imageId/);
        await project.expect(0, 'up', '-d');
        assert.equal(await run('cat /site/word'), 'new');

        stack('none');
        const failed = await project.tsstack(['up', '-d']);
        assert.equal(failed.status, 1);
        assert.match(failed.stderr, /none/);
      } finally {
        await project.tsstack(['down', '-t', '0']);
        await project.tsstack(['image', 'rm', '-f', name, single]);
        await project.tsstack(['system', 'prune', '-f']);
      }
    },
  );
}

e2e(
  'an image that is only mounted is pulled by up, and plan says so',
  async (project) => {
    const registry = await startDockerRegistry(join(project.scratch, 'registry'));
    const name = `${registry.host}/site:1`;
    project.write(
      `services: {app: {command: [sleep, infinity], stop_signal: KILL, volumes: [{type: image, source: "${name}", target: /all}]}}\n`,
    );
    try {
      await load(project, [await layered('pulled', name)]);
      await project.expect(0, 'image', 'push', name);
      await project.expect(0, 'image', 'rm', name);
      assert.match(await project.expect(0, 'plan'), /1 to pull/);
      await project.expect(0, 'up', '-d');
      const { pid } = await project.container('app');
      assert.equal(readFileSync(`/proc/${pid}/root/all/site/word`, 'utf8'), 'pulled');
    } finally {
      await project.tsstack(['down', '-t', '0']);
      await project.tsstack(['image', 'rm', '-f', name]);
      await registry.stop();
    }
  },
  { needs: ['docker-registry'] },
);
