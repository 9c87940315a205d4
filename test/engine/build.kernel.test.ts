import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsstackError } from '../../src/model/error.ts';
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

test(
  'stages: what the target does not need is skipped, COPY --from takes files of a stage with owner and attributes',
  { skip },
  () =>
    withBuildEngine(async ({ build, text, tree, steps }) => {
      await build(`FROM base AS tools
RUN mkdir -p /out/deep && echo tool > /out/deep/tool && chmod 4750 /out/deep/tool && ln -s deep/tool /out/link
FROM base AS never
RUN exit 1
FROM scratch AS last
COPY --from=tools /out/ /opt/
COPY --from=base /bin/busybox /busybox
`);
      assert.equal(await text('built', 'opt/deep/tool'), 'tool\n');
      const files = await tree('built');
      assert.equal(files.entry('opt/deep/tool')?.mode, 0o4750);
      assert.equal(files.entry('opt/link')?.linkName, 'deep/tool');
      assert.equal(files.entry('bin'), undefined);
      assert.ok((files.entry('busybox')?.size ?? 0) > 100_000);
      assert.ok(!steps('done').includes('RUN exit 1'));
      await build('FROM base AS one\nRUN echo 1 > /one\nFROM base\nRUN echo 2 > /two\n', { target: 'one' });
      assert.equal(await text('built', 'two'), undefined);
      assert.equal(await text('built', 'one'), '1\n');
    }),
);

test(
  'a step changes its own files only: no layer for one that changes none, no trace of what was mounted',
  { skip },
  () =>
    withBuildEngine(async ({ build, config, tree, write, output }) => {
      write({ 'context.txt': 'from the context', 'secret.txt': 'ignored', '.dockerignore': 'secret.txt' });
      const layers = () => (config('built')['rootfs'] as { diff_ids: string[] }).diff_ids.length;
      await build(`FROM base
RUN true
RUN --mount=type=bind,target=/mnt/context --mount=type=tmpfs,target=/mnt/tmp --mount=type=secret,id=token --mount=type=cache,target=/mnt/cache \\
  cat /mnt/context/context.txt /run/secrets/token && ls /mnt/context && touch /mnt/tmp/x /mnt/cache/y && ls /mnt/cache
RUN --mount=type=secret,id=token,env=TOKEN echo "token is $TOKEN" && env
`);
      assert.equal(layers(), 1);
      assert.equal((await tree('built')).entry('mnt'), undefined);
      assert.equal((await tree('built')).entry('run'), undefined);
      assert.match(output(), /from the contexthush\ncontext.txt\ny\n/);
      assert.match(output(), /token is hush\n/);
      assert.doesNotMatch(output(), /secret\.txt|HOSTNAME=build/);
    }),
);

test('a cache mount keeps its files from one build to the next, a bind that is written to forgets them', { skip }, () =>
  withBuildEngine(async ({ build, write, output }) => {
    write({ 'dir/file': 'x' });
    const dockerfile = (n: number) => `FROM base
RUN --mount=type=cache,id=things,target=/cache,uid=1000,mode=0700 touch /cache/${n} && ls /cache && stat -c '%u %a' /cache
RUN --mount=type=bind,source=dir,target=/src,rw touch /src/more-${n} && ls /src
`;
    await build(dockerfile(1));
    await build(dockerfile(2));
    assert.match(output(), /^1\n2\n1000 700\n/);
    assert.match(output(), /\nfile\nmore-2\n$/);
  }),
);

test(
  'a RUN that fails says where, how, and the last that it wrote; what it left is kept when asked for',
  { skip },
  () =>
    withBuildEngine(async ({ build, engine, text }) => {
      const failing = `FROM base
RUN echo before > /state
RUN echo working; touch /half; echo broken >&2; exit 3
`;
      const failure = await build(failing).then(
        () => assert.fail('it was built'),
        (error: unknown) => error,
      );
      assert.ok(failure instanceof TsstackError);
      assert.equal(failure.code, 'build-failed');
      assert.match(failure.message, /^dockerfile_inline:3: RUN echo working.* ended with exit status 3$/);
      assert.deepEqual(failure.details.slice(0, 2), ['working', 'broken']);
      assert.match(failure.details.at(-1) ?? '', /^3 \| >>> RUN echo working/);
      assert.match(failure.hint ?? '', /tsstack build --shell-on-failure web$/);
      assert.equal(failure.failedImage, undefined);
      const kept = await build(failing, {}, { keepFailed: true }).then(
        () => assert.fail('it was built'),
        (error: unknown) => (error instanceof TsstackError ? error.failedImage : undefined),
      );
      assert.deepEqual([kept?.service, kept?.user, kept?.workingDir], ['web', '', '/']);
      assert.equal(await text(kept?.id ?? '', 'half'), '');
      assert.equal(await text(kept?.id ?? '', 'state'), 'before\n');
      assert.equal(await text('built', 'state').catch(() => 'no image'), 'no image');
      assert.deepEqual(engine.machine.records.containers.all(), []);
    }),
);

test('USER, SHELL, heredocs, ONBUILD and arguments', { skip }, () =>
  withBuildEngine(async ({ build, text, output, config, engine }) => {
    await build(
      `FROM base
ARG WHO=nobody
USER app
RUN id -u; id -g; echo "$WHO"
USER 0
RUN <<EOF
echo one > /one
echo two > /two
EOF
RUN <<script
#!/bin/cat
printed
script
SHELL ["/bin/sh", "-ec"]
RUN echo shell
COPY <<hello <<'plain' /texts/
hello $WHO
hello
$WHO
plain
ONBUILD RUN echo triggered > /trigger
`,
      { args: { WHO: 'me' } },
    );
    assert.match(output(), /^1000\n1001\nme\n#!\/bin\/cat\nprinted\nshell\n$/);
    assert.equal(await text('built', 'two'), 'two\n');
    assert.equal(await text('built', 'texts/hello'), 'hello me\n');
    assert.equal(await text('built', 'texts/plain'), '$WHO\n');
    assert.deepEqual((config('built')['config'] as Record<string, unknown>)['OnBuild'], [
      'RUN echo triggered > /trigger',
    ]);
    const { content } = engine.images;
    content.index.set(
      'docker.io/library/parent:latest',
      content.index.names().get('docker.io/library/built:latest') ?? assert.fail(),
    );
    await build('FROM parent\n');
    assert.equal(await text('built', 'trigger'), 'triggered\n');
    assert.equal((config('built')['config'] as Record<string, unknown>)['OnBuild'], undefined);
  }),
);

test('an argument that a step does not read does not run it again; one that it reads does', { skip }, () =>
  withBuildEngine(async ({ build, steps }) => {
    const dockerfile = 'FROM base\nRUN echo first > /a\nARG V\nLABEL v=$V\nRUN echo second > /b\n';
    await build(dockerfile, { args: { V: '1' } });
    await build(dockerfile, { args: { V: '2' } });
    assert.deepEqual(steps('cached'), ['RUN echo first > /a']);
    await build('FROM base\nLABEL other=1\nRUN echo first > /a\n');
    assert.deepEqual(steps('cached'), ['RUN echo first > /a'], 'a label changes no file');
    await build(dockerfile, { args: { V: '2' } }, { noCache: true });
    assert.deepEqual(steps('cached'), []);
  }),
);

test('with SOURCE_DATE_EPOCH the same input gives the same image, whenever it is built', { skip }, () =>
  withBuildEngine(async ({ build, write }) => {
    write({ file: 'x' });
    const dockerfile = 'FROM base\nCOPY file /\nRUN echo x > /y\n';
    const options = { noCache: true, env: { SOURCE_DATE_EPOCH: '1700000000' } };
    const first = await build(dockerfile, {}, options);
    const second = await build(dockerfile, {}, options);
    assert.equal(first.id, second.id);
  }),
);

test('cache_from: the steps of an image that was built elsewhere are taken for this build', { skip }, () =>
  withBuildEngine(async ({ build, engine, steps, events }) => {
    const dockerfile = 'FROM base\nRUN echo x > /x\nRUN true\n';
    const { id } = await build(dockerfile);
    engine.images.steps.prune();
    await build(dockerfile, { cacheFrom: ['built'] });
    assert.deepEqual(steps('cached'), ['RUN echo x > /x', 'RUN true']);
    assert.deepEqual(engine.images.steps.entries(), [], 'nothing of it is kept for others');
    assert.equal((await build(dockerfile, { cacheFrom: ['type=registry,ref=built'] })).id, id);
    await build(dockerfile, { cacheFrom: ['type=gha', 'base'] });
    assert.equal(events.filter(({ type }) => type === 'warning').length, 2);
  }),
);

test(
  'a build that is cancelled ends its RUN at once and leaves nothing; two stages run at the same time',
  { skip },
  () =>
    withBuildEngine(async ({ build, engine, events }) => {
      const cancel = new AbortController();
      const building = build(
        `FROM base AS one
RUN --mount=type=cache,target=/shared touch /shared/one; until test -e /shared/two; do sleep 0.05; done; echo met
FROM base AS two
RUN --mount=type=cache,target=/shared touch /shared/two; until test -e /shared/one; do sleep 0.05; done
FROM base
COPY --from=one /etc/passwd /a
COPY --from=two /etc/passwd /b
RUN echo waiting && sleep 1000
`,
        {},
        { signal: cancel.signal },
      );
      const says = (text: string) => events.some((event) => event.type === 'build-output' && event.text.includes(text));
      while (!says('waiting')) await Promise.race([building, new Promise((resolve) => setTimeout(resolve, 20))]);
      assert.ok(says('met'));
      cancel.abort();
      await assert.rejects(building, { code: 'cancelled' });
      assert.deepEqual(engine.machine.records.containers.all(), []);
      assert.deepEqual(engine.machine.records.stacks.all(), []);
      assert.equal(engine.supervisor.active, 0);
    }),
);
