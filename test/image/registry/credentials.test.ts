import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  type Credentials,
  eraseCredentials,
  findCredentials,
  storeCredentials,
} from '../../../src/image/registry/credentials.ts';

const { signal } = new AbortController();
const SECRET = 'hunter2';
const PASSWORD: Credentials = { type: 'password', username: 'ann', password: SECRET };

let home = '';
let env: Record<string, string> = {};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tsstack-credentials-'));
  env = { HOME: home, PATH: `${home}/bin:${process.env['PATH']}` };
  mkdirSync(join(home, 'bin'));
});
afterEach(() => rmSync(home, { recursive: true }));

function config(document: object | string): string {
  mkdirSync(join(home, '.docker'), { recursive: true });
  const path = join(home, '.docker/config.json');
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}

function helper(name: string, script: string): void {
  const path = join(home, 'bin', `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\necho "$*" >> ${home}/argv\n${script}\n`);
  chmodSync(path, 0o755);
}

function find(registry: string, timeoutMs = 10_000) {
  return findCredentials({ registry, env, signal, timeoutMs });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('credentials of Docker’s configuration', () => {
  it('every form of an entry is read', async () => {
    config({
      auths: {
        'a.test': { auth: base64('ann:hunter2') },
        'b.test:5000': { auth: base64('ann:with:colon\0') },
        'https://c.test/v1/': { username: 'ann', password: SECRET },
        'd.test': { auth: base64('<token>:'), identitytoken: 'long' },
        'e.test': { registrytoken: 'ready' },
        'f.test': {},
        'https://index.docker.io/v1/': { auth: base64('hub:pw') },
      },
    });
    assert.deepEqual(await find('a.test'), PASSWORD);
    assert.deepEqual(await find('b.test:5000'), { ...PASSWORD, password: 'with:colon' });
    assert.deepEqual(await find('c.test'), PASSWORD);
    assert.deepEqual(await find('d.test'), { type: 'identity', token: 'long' });
    assert.deepEqual(await find('e.test'), { type: 'bearer', token: 'ready' });
    assert.deepEqual(await find('docker.io'), { type: 'password', username: 'hub', password: 'pw' });
    for (const name of ['f.test', 'b.test', 'a.test:5000', 'x.a.test']) assert.equal(await find(name), undefined, name);
  });

  it('DOCKER_CONFIG is where it is looked for first; without a file there is nothing', async () => {
    assert.equal(await find('a.test'), undefined);
    assert.equal(await findCredentials({ registry: 'a.test', env: {}, signal }), undefined);
    writeFileSync(join(home, 'config.json'), JSON.stringify({ auths: { 'a.test': { auth: base64('ann:hunter2') } } }));
    env['DOCKER_CONFIG'] = home;
    assert.deepEqual(await find('a.test'), PASSWORD);
  });

  it('a damaged file is an error that quotes nothing of it', async () => {
    for (const text of [
      `{"auths": {"a.test": {"auth": "${SECRET}`,
      `{"auths": "${SECRET}"}`,
      `{"auths":{"a.test":"${SECRET}"}}`,
      `{"auths":{"a.test":{"auth":"${SECRET}"}}}`,
    ]) {
      config(text);
      await assert.rejects(find('a.test'), (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, 'registry-settings');
        assert.ok(!`${error.message}${error.hint}${error.stack}${String(error.cause)}`.includes(SECRET), error.message);
        return true;
      });
    }
  });

  it('a helper is asked by standard input; its answer goes before the file, the file before nothing', async () => {
    config({
      credsStore: 'all',
      credHelpers: { 'one.test': 'one' },
      auths: { 'old.test': { auth: base64('ann:hunter2') } },
    });
    helper('one', 'cat > /dev/null; echo \'{"Username":"<token>","Secret":"long"}\'');
    helper(
      'all',
      'read -r url; [ "$url" != old.test ] || { echo "credentials not found in native keychain"; exit 1; }; echo "{\\"Username\\":\\"$url\\",\\"Secret\\":\\"s\\"}"',
    );
    assert.deepEqual(await find('one.test'), { type: 'identity', token: 'long' });
    assert.deepEqual(await find('two.test'), { type: 'password', username: 'two.test', password: 's' });
    assert.deepEqual(await find('docker.io'), {
      type: 'password',
      username: 'https://index.docker.io/v1/',
      password: 's',
    });
    assert.deepEqual(await find('old.test'), PASSWORD);
    assert.equal(readFileSync(`${home}/argv`, 'utf8'), 'get\n'.repeat(4));
  });

  it('a helper that fails is explained', async () => {
    const fails = async (code: string, message: RegExp) => {
      await assert.rejects(find('a.test', 500), (error: Error & { code?: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.ok(!error.message.includes(SECRET));
        return true;
      });
    };
    config({ credsStore: 'gone' });
    await fails('missing-tool', /docker-credential-gone/);
    config({ credsStore: '../evil' });
    await fails('registry-settings', /not the name of a credential helper/);
    config({ credsStore: 'x' });
    helper('x', 'echo "the keychain is locked" >&2; exit 2');
    await fails('registry-settings', /status 2: the keychain is locked/);
    helper('x', `echo '{"Secret":"${SECRET}"}'; exit 1`);
    await fails('registry-settings', /status 1$/);
    helper('x', `echo 'Secret ${SECRET}'`);
    await fails('registry-settings', /not a JSON object/);
    helper('x', 'sleep 60 & wait');
    await fails('command-timeout', /did not end in 0\.5 s/);
    helper('x', 'yes | head -c 1000000');
    await fails('registry-settings', /over 64 KiB/);
  });
});

describe('logging in and out', () => {
  it('keeps everything else in the file, closes it to others, and follows a link', async () => {
    const path = config({
      psFormat: 'x',
      auths: { 'b.test': { auth: 'eDp5' }, 'https://a.test/v1/': { auth: 'eDp5' } },
      plugins: { deep: [1] },
    });
    chmodSync(path, 0o644);
    const real = join(home, 'dotfiles.json');
    writeFileSync(real, readFileSync(path));
    rmSync(path);
    symlinkSync(real, path);
    assert.equal(await storeCredentials({ registry: 'a.test', env, signal }, PASSWORD), path);
    assert.ok(lstatSync(path).isSymbolicLink());
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
      psFormat: 'x',
      auths: { 'b.test': { auth: 'eDp5' }, 'a.test': { auth: base64('ann:hunter2') } },
      plugins: { deep: [1] },
    });
    assert.deepEqual(await find('a.test'), PASSWORD);
    assert.equal(await eraseCredentials({ registry: 'a.test', env, signal }), true);
    assert.equal(await eraseCredentials({ registry: 'a.test', env, signal }), false);
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')).auths, { 'b.test': { auth: 'eDp5' } });
    assert.deepEqual(readdirSync(join(home, '.docker')), ['config.json']);
  });

  it('makes the file, and Docker finds its own registry there', async () => {
    await storeCredentials({ registry: 'docker.io', env, signal }, { type: 'identity', token: 'long' });
    const path = join(home, '.docker/config.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(path, 'utf8')).auths), ['https://index.docker.io/v1/']);
    assert.deepEqual(await find('docker.io'), { type: 'identity', token: 'long' });
  });

  it('with a helper nothing secret is in the file, nor in arguments or errors', async () => {
    const path = config({ credsStore: 'box', auths: { 'a.test': { auth: base64('ann:old') } } });
    helper(
      'box',
      `case $1 in store) cat > ${home}/box ;; erase) rm ${home}/box ;; get) cat ${home}/box 2> /dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;; esac`,
    );
    assert.equal(await storeCredentials({ registry: 'a.test', env, signal }, PASSWORD), 'docker-credential-box');
    assert.deepEqual(JSON.parse(readFileSync(`${home}/box`, 'utf8')), {
      ServerURL: 'a.test',
      Username: 'ann',
      Secret: SECRET,
    });
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { credsStore: 'box', auths: {} });
    assert.deepEqual(await find('a.test'), PASSWORD);
    assert.equal(await eraseCredentials({ registry: 'a.test', env, signal }), true);
    assert.equal(await eraseCredentials({ registry: 'a.test', env, signal }), false);
    assert.equal(readFileSync(`${home}/argv`, 'utf8'), 'store\nget\nget\nerase\nget\n');
    helper('box', `echo "cannot keep ${SECRET}"; exit 1`);
    await assert.rejects(
      storeCredentials({ registry: 'a.test', env, signal }, PASSWORD),
      (error: Error) => !error.message.includes(SECRET),
    );
  });
});
