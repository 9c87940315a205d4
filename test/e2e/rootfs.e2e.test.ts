import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ROOT } from '../helpers/client.ts';
import { e2e, freePort, http } from '../helpers/e2e.ts';
import { output } from '../helpers/run.ts';

e2e(
  'examples/rootfs answers from a directory and from an OCI layout, and neither can be written through',
  async (project) => {
    await output('sh', join(ROOT, 'examples/rootfs/build.sh'));
    project.useExample('rootfs');
    const [directory, image] = [await freePort(), await freePort()];
    project.env['ROOTFS_PORT'] = String(directory);
    project.env['IMAGE_PORT'] = String(image);

    await project.expect(0, 'up', '-d', '--wait');
    for (const port of [directory, image]) {
      assert.match(await http(`http://127.0.0.1:${port}/`), /root filesystem of one program/);
    }

    await project.expect(0, 'exec', 'directory', 'sh', '-c', 'echo changed > /www/index.html');
    assert.equal(await http(`http://127.0.0.1:${directory}/`), 'changed\n');
    assert.match(await output('cat', join(ROOT, 'examples/rootfs/build/rootfs/www/index.html')), /one program/);
    assert.equal(await project.expect(0, 'exec', 'image', 'pwd'), '/www\n', 'the image names the working directory');
  },
  { needs: ['/bin/busybox'] },
);
