import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../helpers/client.ts';
import { startDockerRegistry } from '../helpers/docker-registry.ts';
import { e2e, freePort, http } from '../helpers/e2e.ts';
import { output } from '../helpers/run.ts';

e2e(
  'examples/build: a base of Debian packages is pulled, an image built on it, run, and built anew after a change',
  async (project) => {
    const registry = await startDockerRegistry(join(project.scratch, 'registry'));
    const base = `${registry.host}/debian/base`;
    const port = await freePort();
    Object.assign(project.env, { BUILD_BASE: base, BUILD_PORT: String(port) });
    cpSync(join(ROOT, 'examples/build/app'), join(project.scratch, 'app'), { recursive: true });
    cpSync(join(ROOT, 'examples/build/stack.yaml'), join(project.scratch, 'stack.yaml'));
    try {
      await output('sh', join(ROOT, 'examples/build/base.sh'), base);
      await project.expect(0, 'image', 'push', base);
      await project.expect(0, 'image', 'rm', base);

      const first = await project.tsstack(['up', '-d', '--wait']);
      assert.equal(first.status, 0, first.stderr);
      assert.match(first.stderr, /web .*RUN mkdir -p \/www/);
      assert.match(await http(`http://127.0.0.1:${port}/about.html`), /A page that a RUN has put into a frame/);
      assert.match(await project.expect(0, 'plan'), /^Nothing to do/);
      const { pid } = await project.container('web');

      const unchanged = await project.tsstack(['up', '-d', '--build']);
      assert.doesNotMatch(unchanged.stderr, /COPY index.html \.\/(?! … CACHED)/);
      assert.equal((await project.container('web')).pid, pid, 'nothing has changed');

      writeFileSync(join(project.scratch, 'app/index.html'), 'changed\n');
      const second = await project.tsstack(['up', '-d', '--build', '--wait']);
      assert.equal(second.status, 0, second.stderr);
      assert.match(second.stderr, /RUN mkdir .* CACHED\n/);
      assert.match(second.stderr, /COPY index.html \.\/\n/);
      assert.equal(await http(`http://127.0.0.1:${port}/`), 'changed\n');
      assert.match(await project.expect(0, 'plan'), /^Nothing to do/);
    } finally {
      await project.tsstack(['down']);
      await project.tsstack(['image', 'rm', '-f', base, `${project.name}-web`]);
      await registry.stop();
    }
  },
  { needs: ['docker-registry', 'mmdebstrap'] },
);
