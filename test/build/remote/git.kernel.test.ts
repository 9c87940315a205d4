import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type CheckOutOptions, checkOut, parseGitUrl } from '../../../src/build/remote/git.ts';
import { GitServer, gitScript } from '../../helpers/git-server.ts';

const MISSING = spawnSync('git', ['--version']).status === 0 ? false : 'no git';

describe('checkOut()', { skip: MISSING }, () => {
  let scratch = '';
  let server: GitServer;
  const commits: Record<string, string> = {};

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'tsstack-git-'));
    const script = `
      mkdir -p served; for name in deep inner app; do git init -q --bare served/$name.git; git init -q $name; done
      git -C served/app.git config uploadpack.allowAnySHA1InWant true
      cd deep; echo deep > deep.txt; git add .; git commit -qm 1; git push -q ../served/deep.git main; cd ..
      cd inner; echo inner > inner.txt; git submodule --quiet add ../deep.git lib/deep 2> /dev/null ||
        { git clone -q ../served/deep.git lib/deep; printf '[submodule "x.y"]\\n path = lib/deep\\n url = ../deep.git\\n' > .gitmodules; }
      git add .; git commit -qm 1; git push -q ../served/inner.git main; cd ..
      cd app; echo 1 > file; printf '#!/bin/sh\\n' > tool; chmod 755 tool; ln -s file link; ln -s / root; mkdir -p sub/dir; echo sub > sub/dir/f
      printf '* text=auto\\n' > .gitattributes; printf x > "$(printf 'odd\\377')"; git add .; git commit -qm 1; git tag light; git tag -a -m t v1
      git branch both; echo 2 > file; git commit -qam 2; git branch v1-branch; git tag both; git branch -f both
      git tag -f both HEAD~1 > /dev/null; echo 3 > file
      git clone -q ../served/inner.git vendor/inner; printf '[submodule "a"]\\n path = vendor/inner\\n url = ../inner.git\\n' > .gitmodules
      git add .; git commit -qm 3; git push -q ../served/app.git --all; git push -q ../served/app.git --tags`;
    gitScript(scratch, script);
    for (const name of ['main', 'main~1', 'main~2', 'v1'])
      commits[name] = gitScript(`${scratch}/app`, `git rev-parse ${name}`);
    server = await GitServer.start(`${scratch}/served`);
  });
  after(() => {
    server.close();
    rmSync(scratch, { recursive: true });
  });
  let into = '';
  let count = 0;
  beforeEach(() => {
    count += 1;
    into = `${scratch}/out-${count}/into`;
    mkdirSync(into, { recursive: true });
    server.handler = undefined;
    server.users.length = 0;
  });

  async function get(suffix: string, options: Partial<CheckOutOptions> = {}, name = 'app'): Promise<string> {
    const source = parseGitUrl(`${server.origin}/${name}.git${suffix}`);
    assert.ok(source !== undefined);
    const signal = new AbortController().signal;
    try {
      return (await checkOut(source, { directory: into, keepGitDir: false, env: {}, signal, ...options })).commit;
    } finally {
      assert.deepEqual(readdirSync(join(into, '..')), ['into'], 'nothing is left beside it');
    }
  }
  const text = (path: string): string => readFileSync(`${into}/${path}`, 'utf8').trim();
  const failed = (message: RegExp) => ({ code: 'build-failed', message });
  /** Files of a commit of its own, made by a script in a new repository. */
  function repository(name: string, script: string): void {
    gitScript(
      scratch,
      `git init -q --bare served/${name}.git; git init -q ${name}; cd ${name}; ${script}; git commit -qm 1; git push -q ../served/${name}.git main`,
    );
  }

  it('brings the default branch with its submodules, and with modes and times of the commit alone', async () => {
    assert.equal(await get(''), commits['main']);
    const lines = execFileSync('find', ['.', '-printf', '%y %m %U:%G %Ts %p %l\\n'], { cwd: into, encoding: 'latin1' });
    assert.deepEqual(
      lines
        .trim()
        .split('\n')
        .map((line) => line.trim())
        .sort(),
      [
        ...[
          '.',
          './sub',
          './sub/dir',
          './vendor',
          './vendor/inner',
          './vendor/inner/lib',
          './vendor/inner/lib/deep',
        ].map((path) => `d 755 0:0 1500000000 ${path}`),
        ...[
          './.gitattributes',
          './.gitmodules',
          './file',
          './odd\xff',
          './sub/dir/f',
          './vendor/inner/.gitmodules',
          './vendor/inner/inner.txt',
          './vendor/inner/lib/deep/deep.txt',
        ].map((path) => `f 644 0:0 1500000000 ${path}`),
        'f 755 0:0 1500000000 ./tool',
        'l 777 0:0 1500000000 ./link file',
        'l 777 0:0 1500000000 ./root /',
      ].sort(),
    );
    assert.deepEqual([text('file'), text('vendor/inner/lib/deep/deep.txt')], ['3', 'deep']);
  });

  for (const [suffix, commit] of [
    ['#v1', 'main~2'],
    ['?tag=light', 'main~2'],
    ['#both', 'main~1'],
    ['?tag=both', 'main~2'],
    ['#refs/heads/main', 'main'],
    ['#v1-branch', 'main~1'],
  ] as const) {
    it(`${suffix} is the commit ${commit}`, async () => assert.equal(await get(suffix), commits[commit]));
  }

  it('brings a commit by its digits, from a server that does not give single commits too', async () => {
    assert.equal(await get(`#${commits['main~1']}`), commits['main~1']);
    assert.equal(text('file'), '2');
    gitScript(scratch, 'git clone -q --bare served/app.git served/strict.git');
    // Protocol 2 gives any commit.
    server.handler = (request) => {
      delete request.headers['git-protocol'];
      return false;
    };
    rmSync(into, { recursive: true });
    mkdirSync(into);
    assert.equal(await get(`#${commits['main~1']}`, {}, 'strict'), commits['main~1']);
  });

  it('compares the checksum with the commit, or with the tag itself', async () => {
    assert.equal(await get(`?ref=main&checksum=${commits['main']?.slice(0, 12)}&submodules=0`), commits['main']);
    await assert.rejects(get(`?ref=main&checksum=${commits['main~1']}`), failed(/the commit is [0-9a-f]{40}, not/));
    assert.deepEqual(readdirSync(`${into}/vendor/inner`), [], 'submodules were not wanted');
    rmSync(into, { recursive: true });
    mkdirSync(into);
    assert.equal(await get(`?tag=v1&checksum=${commits['v1']}`), commits['main~2']);
  });

  it('gives a subdirectory as the whole, and none behind a link or outside', async () => {
    await get('#main:sub/dir');
    assert.deepEqual(readdirSync(into), ['f']);
    for (const path of ['root/etc', 'link', '../..', 'none', 'sub/../sub', '.git']) {
      await assert.rejects(get(`?subdir=${path}`), failed(/has no directory/), path);
    }
  });

  it('keeps .git as a clone would have it, without the secrets of the URL', async () => {
    const signal = new AbortController().signal;
    const remote = `${server.origin.replace('//', '//ann:hunter2@')}/app.git`;
    server.handler = (request, response) => {
      if (request.headers.authorization !== undefined) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    await checkOut({ remote, submodules: false }, { directory: into, keepGitDir: true, env: {}, signal });
    assert.ok(server.users.includes(`Basic ${Buffer.from('ann:hunter2').toString('base64')}`));
    assert.equal(gitScript(into, 'git log --format=%H'), commits['main']);
    assert.equal(gitScript(into, 'git status --porcelain --ignore-submodules'), '');
    assert.equal(gitScript(into, 'git config remote.origin.url'), `${server.origin}/app.git`);
    assert.equal(spawnSync('grep', ['-r', 'hunter2', into]).status, 1);
  });

  it('says what is wrong', async () => {
    await assert.rejects(get('#nowhere'), failed(/Cannot fetch http:.*app.git: it has no branch or tag "nowhere"/));
    await assert.rejects(get('', {}, 'missing'), failed(/git ls-remote: .*not found/));
    server.handler = (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    };
    await assert.rejects(get(''), (error: Error & { hint?: string }) => /not for everybody/.test(error.hint ?? ''));
  });

  it('waits out a passing trouble, and ends when it is cancelled', async () => {
    let left = 1;
    server.handler = (_request, response) => {
      if (left-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    await get('?submodules=false');
    const controller = new AbortController();
    server.handler = () => {
      controller.abort();
      return true;
    };
    await assert.rejects(get('', { signal: controller.signal }), { code: 'cancelled' });
  });

  it('runs nothing of the repository or the caller', async () => {
    const trap = `${scratch}/trapped`;
    mkdirSync(`${scratch}/home`);
    gitScript(
      scratch,
      `git config --file home/.gitconfig core.hooksPath ${scratch}/hooks; mkdir hooks
      printf '#!/bin/sh\\ntouch ${trap}\\n' > hooks/post-checkout; chmod 755 hooks/post-checkout; cp hooks/post-checkout hooks/fsmonitor
      git config --file home/.gitconfig filter.evil.smudge "touch ${trap}; cat"; git config --file home/.gitconfig core.fsmonitor ${scratch}/hooks/fsmonitor`,
    );
    repository(
      'evil',
      `printf '* filter=evil\\n' > .gitattributes; mkdir -p hooks; cp ${scratch}/hooks/post-checkout hooks/; git add .`,
    );
    const env = {
      HOME: `${scratch}/home`,
      GIT_SSH_COMMAND: `touch ${trap}`,
      GIT_CONFIG_GLOBAL: `${scratch}/home/.gitconfig`,
    };
    await get('', { env }, 'evil');
    assert.ok(existsSync(`${into}/hooks/post-checkout`));
    assert.equal(existsSync(trap), false);
  });

  for (const [what, path, url, message] of [
    ['of this machine', 'lib', '/etc', /submodule "lib" is to come from "\/etc"/],
    ['of this machine by URL', 'lib', 'file:///etc', /"file:\/\/\/etc"/],
    ['that is a program', 'lib', 'ext::sh -c id', /"ext::sh -c id"/],
    ['that is an option', 'lib', '--upload-pack=id', /"--upload-pack=id"/],
    ['above its host', 'lib', '../../../x.git', /has the URL/],
    ['without a URL', 'other', '../deep.git', /has no URL in .gitmodules/],
  ] as const) {
    it(`refuses a submodule ${what}`, async () => {
      const name = `sub${count}`;
      repository(
        name,
        `git clone -q ../served/deep.git lib; git add lib; printf '[submodule "x"]\\n path = ${path}\\n url = ${url}\\n' > .gitmodules; git add .`,
      );
      await assert.rejects(get('', {}, name), failed(message));
      assert.deepEqual(readdirSync(into), []);
    });
  }

  it('a tree that has a link and a submodule of the same name writes nothing outside', async () => {
    const outside = `${scratch}/outside`;
    mkdirSync(outside);
    const deep = gitScript(`${scratch}/deep`, 'git rev-parse main');
    // A tree that has a link, and below the link's name a submodule: no git makes it, but it can be written by hand.
    repository(
      'through',
      `
      link=$(printf ${outside} | git hash-object -w --stdin)
      inner=$(printf '160000 commit ${deep}\\tlib\\n' | git mktree --missing)
      modules=$(printf '[submodule "x"]\\n path = a/lib\\n url = ../deep.git\\n' | git hash-object -w --stdin)
      tree=$({ printf "100644 blob $modules\\t.gitmodules\\n"; printf "040000 tree $inner\\ta\\n"; printf "120000 blob $link\\ta\\n"; } | git mktree --missing)
      git commit-tree -m 1 $tree > ../through.commit; git update-ref refs/heads/main $(cat ../through.commit); echo x > y; git push -q ../served/through.git main; exit 0`,
    );
    await get('', {}, 'through').catch((error: { code?: string }) => assert.equal(error.code, 'build-failed'));
    assert.deepEqual(readdirSync(outside), []);
  });
});
