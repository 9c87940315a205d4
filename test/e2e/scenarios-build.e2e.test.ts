import assert from 'node:assert/strict';
import { e2e, type Project } from '../helpers/e2e.ts';
import { imageId, withBase } from '../helpers/e2e-images.ts';

// What Compose's own end-to-end suite shows of building images; docs/scenarios.md has its table.

/** How many steps of this service were done, not taken from the cache; a FROM does nothing. */
function builds(stderr: string, service: string): number {
  const steps = [...stderr.matchAll(new RegExp(`^${service} +([0-9.]+) \\[.*?\\] (?!FROM)`, 'gm'))];
  const done = [...stderr.matchAll(new RegExp(`^${service} +([0-9.]+) DONE `, 'gm'))].map(([, id]) => id);
  return steps.filter(([, id]) => done.includes(id)).length;
}

/** A build of lines that are written in the stack file. */
function inline(...lines: readonly string[]): string {
  return `{dockerfile_inline: ${JSON.stringify(`${lines.join('\n')}\n`)}}`;
}

async function build(project: Project, ...args: readonly string[]): Promise<readonly string[]> {
  const built = await project.expect(0, 'build', ...args);
  return built
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ')[0] ?? '')
    .sort();
}

e2e('TestBuildSecrets: secrets from a file, the environment and .env reach a RUN, and no image', (project) =>
  withBase(project, async (base) => {
    project.write(
      `FROM ${base}
RUN --mount=type=secret,id=mysecret test "$(cat /run/secrets/mysecret)" = "hello world"
RUN --mount=type=secret,id=mysecret,dst=/tmp/other test "$(cat /tmp/other)" = "hello world"
RUN --mount=type=secret,id=envsecret test "$(cat /run/secrets/envsecret)" = zot
RUN --mount=type=secret,id=dotenvsecret test "$(cat /run/secrets/dotenvsecret)" = xyz
`,
      'Dockerfile',
    );
    project.write(`services:
  ssecret: {image: ${project.name}/ssecret, build: {context: ., secrets: [mysecret, {source: envsecret}, dotenvsecret]}}
secrets:
  mysecret: {file: ./secret.txt}
  envsecret: {environment: SOME_SECRET}
  dotenvsecret: {environment: ANOTHER_SECRET}
`);
    project.write('hello world', 'secret.txt');
    project.write('ANOTHER_SECRET=xyz\n', '.env');
    const built = await project.tsstack(['build'], { env: { SOME_SECRET: 'zot' } });
    assert.equal(built.status, 0, built.stderr);
    const [image] = JSON.parse(await project.expect(0, 'image', 'inspect', `${project.name}/ssecret`));
    assert.equal(image.layers.length, 1, 'of the base: no step has changed a file');
  }),
);

e2e('TestBuildDependsOn: up of a service builds what it depends on, and starts it first', (project) =>
  withBase(project, async (base) => {
    project.write(`services:
  test1: {pull_policy: build, build: ${inline(`FROM ${base}`)}, command: [echo, test 1 success]}
  test2: {image: "${base}", depends_on: [test1], command: [echo, test 2 success]}
`);
    const brought = await project.tsstack(['up', 'test2']);
    assert.equal(brought.status, 0, brought.stderr);
    assert.match(brought.stdout, /test 2 success/);
    assert.notEqual(await imageId(project, `${project.name}-test1:latest`), undefined);
    assert.match(await project.logs('test1'), /test 1 success/);
  }),
);

e2e('TestBuildSubset: build of one service builds it, and the services whose images it takes', (project) =>
  withBase(project, async (base) => {
    const service = (...contexts: readonly string[]) =>
      `{build: {dockerfile_inline: "FROM ${base}", additional_contexts: {${contexts.map((name) => `${name}: "service:${name}"`).join(', ')}}}}`;
    project.write(`services:
  main: ${service('dep1', 'dep2')}
  dep1: ${service('subdep1', 'subdep2')}
  dep2: ${service()}
  subdep1: ${service()}
  subdep2: ${service()}
  other: ${service()}
`);
    assert.deepEqual(await build(project, 'main'), ['dep1', 'dep2', 'main', 'subdep1', 'subdep2']);
    assert.deepEqual(await build(project, 'dep2'), ['dep2']);
  }),
);

e2e(
  'TestBuildDependentImage, TestComposeRunBuild: an image that others are built over is built when needed',
  (project) =>
    withBase(project, async (base) => {
      const over = (service: string) =>
        `{build: {dockerfile_inline: "FROM base\\nRUN echo ${service} >> /words\\n", additional_contexts: {base: "service:base"}}, command: [cat, /words]}`;
      project.write(`services:
  base: {build: ${inline(`FROM ${base}`, 'RUN echo below > /words')}, command: ["true"]}
  firstbuild: ${over('first')}
  secondbuild: ${over('second')}
`);
      assert.deepEqual(await build(project, 'firstbuild'), ['base', 'firstbuild']);
      assert.deepEqual(await build(project, 'secondbuild'), ['base', 'secondbuild']);
      await project.expect(0, 'image', 'rm', `${project.name}-base`, `${project.name}-firstbuild`);
      assert.equal(await project.expect(0, 'run', '--rm', '-T', 'firstbuild'), 'below\nfirst\n');
      assert.deepEqual(await project.ps(), []);
    }),
);

e2e(
  'TestBuildDependentImageWithProfile: a service of a profile that is not active is built when it is named',
  (project) =>
    withBase(project, async (base) => {
      project.write(
        `FROM ${base}\nRUN --mount=type=secret,id=test-secret cp /run/secrets/test-secret /tmp\nCMD ["cat", "/tmp/test-secret"]\n`,
        'Dockerfile',
      );
      project.write('SECRET', 'test-secret.txt');
      project.write(`services:
  secret-build-test: {profiles: [test], build: {context: ., dockerfile: Dockerfile, secrets: [test-secret]}}
secrets: {test-secret: {file: test-secret.txt}}
`);
      assert.deepEqual(await build(project), []);
      assert.deepEqual(await build(project, 'secret-build-test'), ['secret-build-test']);
      assert.equal(await project.expect(0, 'run', '--rm', '-T', 'secret-build-test'), 'SECRET');
    }),
);

e2e(
  'TestBuildEscaped: a doubled dollar reaches the build as one: in args, heredocs and inline Dockerfiles',
  (project) =>
    withBase(project, async (base) => {
      project.write(`FROM ${base}\nARG foo\nRUN echo foo is $foo\n`, 'Dockerfile');
      project.write(`services:
  foo: {build: {context: ., args: {foo: "$\${bar}"}}}
  echo:
    build:
      dockerfile_inline: |
        FROM ${base}
        RUN <<'EOF'
        echo lines: $(wc -l < /etc/passwd) $(ls /bin | wc -l)
        EOF
  arg:
    build:
      args: {BOOL: "true"}
      dockerfile_inline: |
        FROM ${base}
        ARG BOOL
        RUN /bin/$\${BOOL} && echo "it is $\${BOOL}"
`);
      project.write('root:x:0:0::/:/bin/sh\n', 'passwd');
      const foo = await project.tsstack(['build', '--no-cache', 'foo']);
      assert.match(foo.stderr, /foo is \$\{bar\}/);
      assert.equal(foo.status, 0);
      const echo = await project.tsstack(['build', 'echo']);
      assert.equal(echo.status, 0, echo.stderr);
      const arg = await project.tsstack(['build', 'arg']);
      assert.equal(arg.status, 0, arg.stderr);
      assert.match(arg.stderr, /it is true/);
    }),
);

e2e('TestUpBuildUnchangedContext: up --build of what has not changed runs no step and replaces nothing', (project) =>
  withBase(project, async (base) => {
    project.write(`FROM ${base}\nCOPY hello.txt /\nRUN cat /hello.txt > /copy\n`, 'Dockerfile');
    project.write('hello', 'hello.txt');
    project.write('services: {app: {build: ., stop_signal: KILL}}\n');
    await project.expect(0, 'up', '-d');
    const { pid } = await project.container('app');
    const again = await project.tsstack(['up', '-d', '--build']);
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stderr, /CACHED/);
    assert.equal(builds(again.stderr, 'app'), 0, again.stderr);
    assert.equal((await project.container('app')).pid, pid);
    await project.expect(0, 'plan', '--check');

    project.write('changed', 'hello.txt');
    assert.match(await project.expect(0, 'plan'), /Nothing to do/, 'a plan builds nothing, and the image is there');
    const changed = await project.tsstack(['up', '-d', '--build']);
    assert.match(changed.stderr, /service\.app\[1\] +its image is a new one/);
    assert.equal(await project.expect(0, 'exec', '-T', 'app', 'cat', '/copy'), 'changed');
  }),
);

const STAMPED = (base: string, file: string) => inline(`FROM ${base}`, `RUN date > /${file}`, 'CMD sleep 3600');

e2e(
  'TestRunBuildOnceDependency, TestRunBuildOnceNestedDependencies, TestRunBuildOnceNoDeps: each is built once',
  (project) =>
    withBase(project, async (base) => {
      const built = (file: string, more = '') =>
        `{pull_policy: build, build: ${STAMPED(base, file)}, stop_signal: KILL${more}}`;
      project.write(`services:
  nginx: ${built('nginx.txt')}
  curl: {image: "${base}", depends_on: [nginx], command: [echo, curl service]}
  db: ${built('db.txt')}
  api: ${built('api.txt', ', depends_on: [db]')}
  app: ${built('app.txt', ', depends_on: [api], command: [echo, App running]')}
  simple: ${built('simple.txt', ', command: [echo, Simple service]')}
`);
      const run = async (service: string, says: string, ...services: readonly string[]) => {
        const ran = await project.tsstack(['run', '--build', '--rm', '-T', service]);
        assert.equal(ran.status, 0, ran.stderr);
        assert.equal(ran.stdout, `${says}\n`);
        const all = ['nginx', 'db', 'api', 'app', 'simple'];
        assert.deepEqual(
          all.filter((each) => builds(ran.stderr, each) > 0),
          services,
          ran.stderr,
        );
        for (const each of services) assert.equal(builds(ran.stderr, each), 1, ran.stderr);
      };
      await run('curl', 'curl service', 'nginx');
      await run('app', 'App running', 'db', 'api', 'app');
      await run('simple', 'Simple service', 'simple');
      const again = await project.tsstack(['run', '--no-deps', '--rm', '-T', '--quiet', 'app', 'ls', '/']);
      assert.match(again.stdout, /^app\.txt$/m);
      assert.equal(builds(again.stderr, 'db') + builds(again.stderr, 'api'), 0);
    }),
);

e2e(
  'TestUpWithBuildDependencies: an image that one service builds and another uses is built once, before both',
  (project) =>
    withBase(project, async (base) => {
      const name = `${project.name}/foo:1`;
      project.write(`FROM ${base}\nRUN touch /built\nCMD test -e /built && echo hello from $HOSTNAME\n`, 'Dockerfile');
      project.write(`services:
  foo: {image: "${name}", build: ., pull_policy: build, hostname: foo}
  bar: {image: "${name}", depends_on: [foo], hostname: bar}
`);
      const brought = await project.tsstack(['up']);
      assert.equal(brought.status, 0, brought.stderr);
      assert.equal(builds(brought.stderr, 'foo'), 1, brought.stderr);
      assert.match(await project.logs('bar'), /^hello from bar$/m);
      assert.notEqual(await imageId(project, name), undefined);
    }),
);

e2e(
  'TestImageVolume, TestImageVolumeRecreateOnRebuild: a rebuilt image that is mounted replaces its consumer',
  (project) =>
    withBase(project, async (base) => {
      const name = `${project.name}/source:1`;
      project.write(
        `FROM ${base}\nWORKDIR /app\nARG CONTENT=initial\nRUN echo "$CONTENT" > /app/content.txt\n`,
        'Dockerfile',
      );
      project.write(`services:
  source: {build: {context: ., dockerfile: Dockerfile}, image: "${name}", stop_signal: KILL}
  consumer:
    image: "${base}"
    depends_on: [source]
    command: [cat, /data/content.txt]
    volumes: [{type: image, source: "${name}", target: /data, image: {subpath: app}}]
`);
      await project.expect(0, 'build', 'source');
      await project.expect(0, 'up', '-d');
      await project.exited('consumer');
      assert.match(await project.logs('consumer'), /^initial$/m);
      await project.expect(0, 'build', '--build-arg', 'CONTENT=updated', 'source');
      const plan = await project.expect(0, 'plan');
      assert.match(plan, /service\.source\[1\] +its image is a new one/);
      assert.match(plan, /service\.consumer\[1\] +an image that it mounts is a new one/);
      await project.expect(0, 'up', '-d');
      await project.exited('consumer');
      assert.match(await project.logs('consumer'), /^updated$/m);
    }),
);

e2e(
  'TestCommentsInEnvFile, TestUnsetEnv: variables of a built image, of the caller, and a bare name that unsets',
  (project) =>
    withBase(project, async (base) => {
      project.write(`FROM ${base}\nENV EMPTY=not_empty\nCMD ["sh", "-c", "echo \\"=$EMPTY=\\""]\n`, 'Dockerfile');
      project.write('COMMENT=1234 #5\nNO_COMMENT="1234#5"\n', '.env');
      project.write(`services:
  empty-variable: {build: {context: .}, environment: [EMPTY]}
  env-file-comments:
    build: ${inline(`FROM ${base}`, 'CMD ["sh", "-c", "env | grep COMMENT"]')}
    env_file: .env
`);
      await project.expect(0, 'build');
      const once = (...args: readonly string[]) => project.tsstack(['run', '--rm', '-T', '--quiet', ...args]);
      assert.equal((await once('-e', 'EMPTY=hello', 'empty-variable')).stdout, '=hello=\n');
      assert.equal((await once('empty-variable')).stdout, '==\n');
      const comments = await once('env-file-comments');
      assert.deepEqual(comments.stdout.trim().split('\n').sort(), ['COMMENT=1234', 'NO_COMMENT=1234#5']);
    }),
);

e2e(
  'TestScaleDownNoRecreate: up --no-recreate adds replicas of the new image, and fewer drop the stale ones',
  (project) =>
    withBase(project, async (base) => {
      project.write(`FROM ${base}\nARG FOO=1\nRUN echo $FOO > /foo\n`, 'Dockerfile');
      project.write('services: {test: {build: ., stop_signal: KILL}}\n');
      await project.expect(0, 'build', '--build-arg', 'FOO=1');
      await project.expect(0, 'up', '-d', '--scale', 'test=2');
      await project.expect(0, 'build', '--build-arg', 'FOO=2');
      await project.expect(0, 'up', '-d', '--no-recreate', '--scale', 'test=4');
      const content = async () =>
        Promise.all(
          (await project.ps()).map(({ index }) =>
            project.expect(0, 'exec', '-T', '--index', `${index}`, 'test', 'cat', '/foo'),
          ),
        );
      assert.deepEqual((await content()).sort(), ['1\n', '1\n', '2\n', '2\n']);
      await project.expect(0, 'up', '-d', '--no-recreate', '--scale', 'test=2');
      assert.deepEqual(await content(), ['2\n', '2\n']);
    }),
);
