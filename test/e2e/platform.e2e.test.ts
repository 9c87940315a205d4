import assert from 'node:assert/strict';
import { join } from 'node:path';
import { e2e } from '../helpers/e2e.ts';
import { tarOf, writeLayout } from '../helpers/image-builder.ts';

e2e('an image for another architecture is refused before anything is made, and the plan says why', async (project) => {
  const name = `${project.name}/foreign:1`;
  const layers = [await tarOf([{ name: 'bin/' }, { name: 'bin/app', text: 'x', mode: 0o755 }])];
  const image = { layers, tag: name, architecture: 'loong64', config: { Cmd: ['/bin/app'] } };
  try {
    await project.expect(0, 'image', 'load', writeLayout(join(project.scratch, 'layout'), [image]));
    project.write(`services: {app: {image: "${name}", platform: linux/loong64, pull_policy: never}}\n`);
    const message = /is for linux\/loong64; this machine is \w+ and has no binfmt handler for programs of loong64/;
    const plan = await project.tsstack(['plan']);
    assert.match(`${plan.stdout}${plan.stderr}`, message);
    const refused = await project.tsstack(['up', '-d']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, message);
    assert.match(refused.stderr, /qemu-user-static/);
    assert.deepEqual(await project.ps(), []);
  } finally {
    await project.tsstack(['image', 'rm', '-f', name]);
  }
});
