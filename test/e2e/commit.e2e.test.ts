import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e } from '../helpers/e2e.ts';
import { type Entry, tarOf, writeLayout } from '../helpers/image-builder.ts';

e2e('diff shows what a container has written, and commit makes an image of it', async (project) => {
  const [base, made] = [`${project.name}/base:1`, `${project.name}/made:1`];
  const links = ['sh', 'cat', 'sleep', 'rm', 'mkdir', 'ls', 'env'].map(
    (name): Entry => ({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' }),
  );
  const layer = await tarOf([
    { name: 'bin/' },
    { name: 'bin/busybox', text: readFileSync('/bin/busybox'), mode: 0o755 },
    ...links,
    { name: 'etc/' },
    { name: 'etc/word', text: 'base' },
    { name: 'etc/gone', text: 'gone' },
  ]);
  const config = { Cmd: ['/bin/sleep', 'infinity'], Env: ['PATH=/bin'], Labels: { of: 'base' } };
  const layout = writeLayout(join(project.scratch, 'layout'), [{ layers: [layer], config, tag: base }]);
  await project.expect(0, 'image', 'load', layout);
  const stack = (image: string): void =>
    project.write(
      `services: {app: {image: "${image}", environment: {TOKEN: hidden}, volumes: [/data], stop_signal: KILL}}\n`,
    );
  try {
    stack(base);
    await project.expect(0, 'up', '-d');
    const script = 'echo new > /etc/word; rm /etc/gone; mkdir /srv; echo x > /srv/x; echo y > /data/y';
    await project.expect(0, 'exec', '-T', 'app', 'sh', '-c', script);
    assert.equal(await project.expect(0, 'diff', 'app'), 'C /etc\nD /etc/gone\nC /etc/word\nA /srv\nA /srv/x\n');

    const change = ['-c', 'ENV MADE=yes', '-c', 'LABEL of=made', '-c', 'WORKDIR /srv'];
    const id = (await project.expect(0, 'commit', '-m', 'why', ...change, 'app', made)).trim();
    // What runs goes on.
    assert.match(await project.expect(0, 'ps'), /Up/);
    const refused = await project.tsstack(['commit', '-c', 'RUN rm -rf /', 'app', made]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /--change cannot be RUN/);

    const [image] = JSON.parse(await project.expect(0, 'image', 'inspect', made));
    assert.equal(image.id, id);
    assert.deepEqual(image.config.env, { PATH: '/bin', MADE: 'yes' });
    assert.deepEqual(image.config.labels, { of: 'made' });
    assert.equal(image.layers.length, 2);
    assert.equal(image.history.at(-1).comment, 'why');

    stack(made);
    await project.expect(0, 'up', '-d');
    const see = 'cat /etc/word; ls /etc /data; cat x';
    assert.equal(
      await project.expect(0, 'exec', '-T', 'app', 'sh', '-c', see),
      'new\n/data:\ny\n\n/etc:\nhostname\nhosts\nresolv.conf\nword\nx\n',
    );
    assert.equal(await project.expect(0, 'diff', 'app'), '');
  } finally {
    await project.tsstack(['down', '-v', '-t', '0']);
    await project.tsstack(['image', 'rm', '-f', base, made]);
  }
});
