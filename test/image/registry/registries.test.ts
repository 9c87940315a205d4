import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isLoopback, Registries } from '../../../src/image/registry/registries.ts';

const PEM = '-----BEGIN CERTIFICATE-----\n';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tsstack-registries-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(text?: string): Registries {
  const path = join(directory, 'registries.yaml');
  if (text !== undefined) writeFileSync(path, text);
  const certsDirectory = join(directory, 'certs.d');
  return new Registries({ env: text === undefined ? {} : { TSSTACK_REGISTRIES: path }, certsDirectory });
}

describe('settings of registries', () => {
  it('this machine is asked by plain HTTP, every other by TLS', () => {
    const registries = open();
    const origins = [
      'localhost:5000',
      '127.0.0.2:5000',
      '[::1]:5000',
      'registry.test',
      '10.0.0.1:5000',
      'docker.io',
    ].map((name) => registries.endpoint(name).origin);
    assert.deepEqual(origins, [
      'http://localhost:5000',
      'http://127.0.0.2:5000',
      'http://[::1]:5000',
      'https://registry.test',
      'https://10.0.0.1:5000',
      'https://registry-1.docker.io',
    ]);
    for (const name of ['127.0.0.1.evil.test', 'localhost.evil.test', '1270.0.0.1', 'evil.test:127']) {
      assert.equal(isLoopback(name), false, name);
    }
  });

  it('the file says what is otherwise, and what is unsafe is said aloud', () => {
    mkdirSync(join(directory, 'pki'));
    writeFileSync(join(directory, 'pki/ca.crt'), PEM);
    const registries = open(`
registries:
  plain.test:5000:
    http: true
  lax.test:
    verify: false
  own.test:
    ca: pki/ca.crt
    mirrors: [mirror.test, "http://127.0.0.1:5001", "https://127.0.0.1:5002"]
  localhost:5000:
    http: false
`);
    assert.equal(registries.endpoint('plain.test:5000').origin, 'http://plain.test:5000');
    assert.equal(registries.endpoint('plain.test').origin, 'https://plain.test');
    assert.equal(registries.endpoint('localhost:5000').origin, 'https://localhost:5000');
    assert.equal(registries.endpoint('lax.test').verify, false);
    assert.deepEqual(registries.endpoint('own.test').ca, [PEM]);
    const mirrors = registries.mirrors('own.test').map(({ name, origin }) => [name, origin]);
    assert.deepEqual(mirrors, [
      ['mirror.test', 'https://mirror.test'],
      ['127.0.0.1:5001', 'http://127.0.0.1:5001'],
      ['127.0.0.1:5002', 'https://127.0.0.1:5002'],
    ]);
    assert.match(registries.warnings('plain.test:5000').join(), /plain HTTP \(.*registries\.yaml:3\)/);
    assert.match(registries.warnings('lax.test').join(), /not checked \(.*registries\.yaml:5\)/);
    assert.deepEqual(registries.warnings('own.test'), []);
  });

  it('no registry elsewhere sends us to what listens on this machine only', () => {
    const registries = open('registries:\n  plain.test: {http: true}\n');
    const [here, there] = [registries.endpoint('localhost:5000'), registries.endpoint('far.test')];
    const may = ['127.0.0.1:80', 'plain.test', 'other.test'].map((host) =>
      [here, there].map((from) => registries.mayUseHttp(host, from)),
    );
    assert.deepEqual(may, [
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  it('certificates lie where Docker looks for them, and mean TLS on this machine too', () => {
    const host = join(directory, 'certs.d/127.0.0.1:5000');
    mkdirSync(host, { recursive: true });
    for (const name of ['ca.crt', 'client.cert', 'client.key']) writeFileSync(join(host, name), `${PEM}${name}`);
    const { origin, ca, identity } = open().endpoint('127.0.0.1:5000');
    assert.equal(origin, 'https://127.0.0.1:5000');
    assert.deepEqual(ca, [`${PEM}ca.crt`]);
    assert.deepEqual(identity, { cert: `${PEM}client.cert`, key: `${PEM}client.key` });
    rmSync(join(host, 'client.key'));
    assert.throws(() => open().endpoint('127.0.0.1:5000'), {
      code: 'registry-settings',
      message: /has no client\.key/,
    });
    rmSync(join(host, 'client.cert'));
    writeFileSync(join(host, 'ca.crt'), 'no certificate');
    assert.throws(() => open().endpoint('127.0.0.1:5000'), {
      code: 'registry-settings',
      message: /nothing in PEM form/,
    });
  });

  for (const [what, text, line, message] of [
    ['a key that does not exist', 'registries:\n  a.test:\n    mirorrs: [b.test]\n', 3, /unknown key "mirorrs"/],
    ['another top', 'mirrors: []\n', 1, /unknown key "mirrors"/],
    ['an address', 'registries:\n  https://a.test:\n    http: true\n', 2, /is not HOST or HOST:PORT/],
    ['a text for a flag', 'registries:\n  a.test:\n    http: "yes"\n', 3, /http must be true or false/],
    [
      'a mirror with a path',
      'registries:\n  a.test:\n    mirrors:\n      - b.test\n      - b.test/x\n',
      5,
      /mirror "b\.test\/x"/,
    ],
    ['TLS settings of plain HTTP', 'registries:\n  a.test:\n    http: true\n    ca: x\n', 2, /http: true excludes/],
    ['a certificate without its key', 'registries:\n  a.test:\n    cert: x\n', 2, /need each other/],
    ['a key twice', 'registries:\n  a.test: {}\n  a.test: {}\n', 3, /unique/],
    ['a list', '- a\n', 1, /must be a mapping/],
    ['an alias', 'registries:\n  a.test: &a {ca: x}\n  b.test: *a\n', 3, /must be a mapping/],
    ['no YAML', 'registries: {\n', 2, /./],
  ] as const) {
    it(`${what} is an error with its line`, () => {
      assert.throws(
        () => open(text),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'registry-settings');
          assert.match(error.message, message);
          assert.ok(error.message.includes(`registries.yaml:${line}: `), error.message);
          return true;
        },
      );
    });
  }

  it('a file that is named must be there', () => {
    const env = { TSSTACK_REGISTRIES: join(directory, 'none.yaml') };
    assert.throws(() => new Registries({ env }), { code: 'registry-settings', message: /ENOENT/ });
    assert.deepEqual(open('').mirrors('a.test'), []);
  });
});
