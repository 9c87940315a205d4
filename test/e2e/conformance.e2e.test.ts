import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project, SHARED } from '../helpers/e2e.ts';
import { type Entry, tarOf, writeLayout } from '../helpers/image-builder.ts';
import { until } from '../helpers/run.ts';

/**
 * The tests of the Compose specification (compose-spec/conformance-tests), with their files as they are. Their image
 * cannot be had: one that answers as theirs does is built here and named by a second file.
 */
const CONFORMANCE = join(SHARED, 'compose/conformance');
const BASE = 'http://127.0.0.1:8080';
const NEEDS = ['/bin/busybox', CONFORMANCE];

/** Answers one request on its standard streams: /ping, /ping?address=HOST:PORT/PATH, /volumefile?filename=NAME. */
const SERVER = `#!/bin/sh
read -r _ target _
while read -r header && [ "\${#header}" -gt 1 ]; do :; done
value=\${target#*=}
answer() {
  printf 'HTTP/1.1 200 OK\\r\\nContent-Length: %s\\r\\nConnection: close\\r\\n\\r\\n%s' "\${#1}" "$1"
}
case $target in
  /ping) answer '{"response":"PONG FROM TARGET"}' ;;
  /ping?address=*)
    if body=$(/bin/busybox timeout 5 /bin/busybox wget -q -O - "http://$value"); then answer "$body"
    else answer "{\\"response\\":\\"Could not reach address: $value\\"}"; fi ;;
  /volumefile?filename=*) answer "{\\"response\\":\\"$(/bin/busybox cat "/volumes/$value")\\"}" ;;
esac
`;

/** An OCI layout beside the stack file, and the file that names it for these services. */
async function standIn(project: Project, services: readonly string[]): Promise<void> {
  const entries: readonly Entry[] = [
    { name: 'bin', mode: 0o755 },
    { name: 'bin/busybox', mode: 0o755, text: readFileSync('/bin/busybox') },
    { name: 'bin/sh', type: 'symlink', linkname: 'busybox', text: '' },
    // Without it the C library asks a name server first, and believes it.
    { name: 'etc', mode: 0o755 },
    { name: 'etc/nsswitch.conf', text: 'hosts: files dns\n' },
    { name: 'server', mode: 0o755, text: SERVER },
  ];
  writeLayout(join(project.scratch, 'image'), [
    {
      tag: 'latest',
      layers: [await tarOf(entries)],
      config: { Entrypoint: ['/bin/busybox', 'nc', '-ll', '-p', '8080', '-e', '/server'] },
    },
  ]);
  const named = services.map((service) => `  ${service}:\n    image: oci:./image:latest\n`);
  project.write(`services:\n${named.join('')}`, 'image.yaml');
}

/** Brings one of the specification's projects up; it must answer within five seconds. */
async function bringUp(project: Project, name: string, services: readonly string[]): Promise<void> {
  for (const file of readdirSync(join(CONFORMANCE, name))) {
    copyFileSync(join(CONFORMANCE, name, file), join(project.scratch, file));
  }
  await standIn(project, services);
  await project.expect(0, '-f', 'compose.yaml', '-f', 'image.yaml', 'up', '-d');
  const deadline = Date.now() + 5000;
  await until('an answer', async () => {
    assert.ok(Date.now() < deadline, 'no answer within five seconds');
    return (await fetch(`${BASE}/ping`).catch(() => undefined))?.status === 200;
  });
}

async function response(path: string): Promise<string> {
  const answer = await fetch(`${BASE}${path}`, { signal: AbortSignal.timeout(30_000) });
  return ((await answer.json()) as { readonly response: string }).response;
}

e2e(
  'conformance, simple_network: services reach each other by name, and nobody by another',
  async (project) => {
    await bringUp(project, 'simple_network', ['entry', 'target']);
    assert.equal(await response('/ping?address=target:8080/ping'), 'PONG FROM TARGET');
    const unknown = 'notatarget:8080/ping';
    assert.equal(await response(`/ping?address=${unknown}`), `Could not reach address: ${unknown}`);
  },
  { needs: NEEDS },
);

e2e(
  'conformance, simple_configfile: a config is at its absolute target',
  async (project) => {
    await bringUp(project, 'simple_configfile', ['entry']);
    assert.equal(await response('/volumefile?filename=test_config.txt'), 'MYCONFIG');
  },
  { needs: NEEDS },
);

e2e(
  'conformance, simple_secretfile: a secret is at its absolute target',
  async (project) => {
    await bringUp(project, 'simple_secretfile', ['entry']);
    assert.equal(await response('/volumefile?filename=test_secret.txt'), 'MYSECRET');
  },
  { needs: NEEDS },
);
