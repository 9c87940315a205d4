import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { e2e } from '../helpers/e2e.ts';
import { tarOf, writeLayout } from '../helpers/image-builder.ts';

e2e(
  'push sends what a stack builds and names, with its tags, of the services that are asked for',
  async (project) => {
    const registry = await startDockerRegistry(join(project.scratch, 'registry'));
    const names = ['web', 'web-tag', 'db', 'plain', 'gone'].map((name) => `${registry.host}/team/${name}:1`);
    const [web, webTag, db, plain, gone] = names;
    const tags = async (name: string): Promise<boolean> => {
      const answer = await fetch(`http://${registry.host}/v2/team/${name}/tags/list`);
      return answer.ok;
    };
    const there = async () => Promise.all(['web', 'web-tag', 'db', 'plain'].map(tags));
    project.write(
      `services:
  web: {image: "${web}", build: {context: ., tags: ["${webTag}"]}, depends_on: [db]}
  db: {image: "${db}", build: .}
  plain: {image: "${plain}"}
  unnamed: {build: .}
  gone: {image: "${gone}", build: ., profiles: [more]}
`,
    );
    try {
      const layers = [await tarOf([{ name: 'word', text: 'word' }])];
      const images = names.slice(0, 4).map((tag) => ({ layers, tag }));
      await project.expect(0, 'image', 'load', writeLayout(join(project.scratch, 'layout'), images));

      const dry = await project.tsstack(['--dry-run', 'push', 'web']);
      assert.equal(dry.status, 0);
      assert.match(dry.stderr, new RegExp(`${web} would be pushed\\n`));
      assert.deepEqual(await there(), [false, false, false, false]);
      assert.match((await project.tsstack(['--dry-run', 'pull', 'plain'])).stderr, /plain:1 would be pulled\n/);

      assert.match(await project.expect(0, 'push', 'web'), new RegExp(`^${web} sha256:[0-9a-f]+ .* sent\n${webTag} `));
      assert.deepEqual(await there(), [true, true, false, false]);
      await project.expect(0, 'push', '--include-deps', '-q', 'web');
      assert.deepEqual(await there(), [true, true, true, false]);
      await project.expect(0, 'push');
      assert.deepEqual(await there(), [true, true, true, false]);

      const failed = await project.tsstack(['--profile', 'more', 'push']);
      assert.equal(failed.status, 1);
      assert.match(failed.stderr, /team\/gone:1/);
      const ignored = await project.tsstack(['--profile', 'more', 'push', '--ignore-push-failures', 'gone', 'db']);
      assert.equal(ignored.status, 0, ignored.stderr);
      assert.match(ignored.stderr, /team\/gone:1/);
      assert.match(ignored.stdout, new RegExp(`^${db} `));
      assert.match((await project.tsstack(['push', 'plain'])).stderr, /Nothing to push/);
      assert.equal((await project.tsstack(['push', 'none'])).status, 2);
    } finally {
      await project.tsstack(['image', 'rm', '-f', ...names.slice(0, 4)]);
      await registry.stop();
    }
  },
  { needs: ['docker-registry'] },
);
