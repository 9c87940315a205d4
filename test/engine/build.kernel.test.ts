import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBuildEngine } from '../helpers/build-engine.ts';

const skip = process.getuid?.() === 0 ? false : 'not root';

test('RUN, COPY, ENV and WORKDIR make layers; the same again is taken from the cache', { skip }, () =>
  withBuildEngine(async ({ build, write, text, config, steps, output, tree }) => {
    write({ 'a.txt': 'one', 'run.sh': { text: '#!/bin/sh\n', mode: 0o755 } });
    const dockerfile = `FROM base
ENV NAME=world
WORKDIR /srv/app
COPY --chown=app:staff a.txt ./
RUN echo "hello $NAME" > greeting && echo done
CMD ["cat", "greeting"]
`;
    const first = await build(dockerfile);
    assert.equal(await text('built', 'srv/app/greeting'), 'hello world\n');
    assert.equal(await text('built', 'srv/app/a.txt'), 'one');
    const copied = (await tree('built')).entry('srv/app/a.txt');
    assert.deepEqual([copied?.uid, copied?.gid, copied?.mode], [1000, 50, 0o644]);
    assert.deepEqual(config('built')['config'], {
      Env: ['PATH=/bin', 'NAME=world'],
      WorkingDir: '/srv/app',
      Cmd: ['cat', 'greeting'],
    });
    assert.match(output(), /^done\n$/);
    assert.equal(steps('cached').length, 0);
    const again = await build(dockerfile);
    assert.equal(again.id, first.id);
    assert.deepEqual(
      steps('cached').map((each) => each.split(' ')[0]),
      ['WORKDIR', 'COPY', 'RUN'],
    );
    write({ 'a.txt': 'two' });
    const changed = await build(dockerfile);
    assert.notEqual(changed.id, first.id);
    assert.deepEqual(steps('cached'), ['WORKDIR /srv/app']);
    assert.equal(await text('built', 'srv/app/a.txt'), 'two');
  }),
);
