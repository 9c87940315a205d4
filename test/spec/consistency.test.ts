import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LoadRequest } from '../../src/spec/load.ts';
import { diagnosticsOf, placeOf, unmark } from './marked.ts';

function codesOf(text: string, request: Partial<LoadRequest> = {}): string[] {
  return diagnosticsOf(text, request).map(({ code }) => code);
}

/** Services with one list of ports each. */
function publishing(...ports: readonly string[]): string {
  return `services:\n${ports.map((each, index) => `  s${index}: {image: i, ports: [${each}]}\n`).join('')}`;
}

test('ranges clash only when no choice of ports can satisfy all', () => {
  const fine = [
    publishing('"80-81:80"', '"80-81:80"'),
    publishing('"80-82:80"', '"81:80"', '"80-81:80"'),
    publishing('"80-81:80"', '"80-81:80/udp"', '"80-81:80"'),
    publishing('"127.0.0.1:80-81:80"', '"127.0.0.2:80-81:80"', '"127.0.0.1:80:80"', '"127.0.0.2:80-81:80"'),
    publishing('"0-5:80"', '"0:80"', '"0:80"'),
    // Served lowest port first in file order, the last range would find nothing.
    publishing('"80-90:80"', '"80-81:80"', '"80-80:80"'),
  ];
  for (const text of fine) assert.deepEqual(codesOf(text), [], text);
  const wrong = [
    publishing('"80-81:80"', '"80-81:80"', '"80-81:80"'),
    publishing('"80-81:80"', '"80:80"', '"81:80"'),
    publishing('"80:80"', '"81:80"', '"80-81:80"'),
    publishing('"127.0.0.1:80-81:80"', '"80:80"', '"0.0.0.0:81:80"'),
    publishing('"[::1]:80-81:80"', '"[::]:80:80"', '"[0:0::1]:81:80"'),
    publishing('"80-81:80"', '"80-82:80"', '"81-82:80"', '"80-82:80"'),
  ];
  for (const text of wrong) assert.deepEqual(codesOf(text), ['conflict.port'], text);
});

test('a service that publishes nothing clashes with nobody', () => {
  assert.deepEqual(
    codesOf('services: {a: {image: i, ports: ["80:80"]}, b: {image: i, scale: 0, ports: ["80:81"]}}'),
    [],
  );
  const host = 'services: {a: {image: i, ports: ["80:80"]}, b: {image: i, network_mode: host, ports: ["80:81"]}}';
  assert.deepEqual(codesOf(host), []);
});

test('too few host ports for the replicas are a warning, which loads', () => {
  const [found] = diagnosticsOf('services: {a: {image: i, deploy: {replicas: 3}, ports: ["80-81:80"]}}');
  assert.deepEqual([found?.severity, found?.code], ['warning', 'conflict.port']);
  assert.deepEqual(codesOf('services: {a: {image: i, deploy: {replicas: 2}, ports: ["80-81:80", "90"]}}'), []);
});

test('all ports twice, and one port on ten thousand addresses, are checked in linear time', () => {
  const all = diagnosticsOf(publishing('"1-65535:1-65535"', '"1-65535:1-65535"'));
  assert.deepEqual(
    all.map(({ code }) => code),
    ['conflict.port'],
  );
  const addresses = Array.from({ length: 10_000 }, (_, index) => `"10.0.${index >> 8}.${index & 255}:80:80"`);
  const before = performance.now();
  assert.deepEqual(codesOf(publishing(addresses.join(','))), []);
  const ms = performance.now() - before;
  // Comparing each with each is fifty million comparisons and ten thousand copies of the list.
  assert.ok(ms < 5_000, `${ms} ms`);
});

test('networks of a service that is switched off may overlap others', () => {
  const net = (subnet: string) => `{ipam: {config: [{subnet: ${subnet}}]}}`;
  const text = (profiles: string) => `services: {a: {image: i, networks: [x]}, b: {image: i, ${profiles} networks: [y]}}
networks: {x: ${net('10.1.0.0/16')}, y: ${net('10.1.5.0/24')}}`;
  assert.deepEqual(codesOf(text('profiles: [p],')), []);
  assert.deepEqual(codesOf(text('profiles: [p],'), { profiles: ['p'] }), ['conflict.subnet']);
  assert.deepEqual(codesOf(text('')), ['conflict.subnet']);
});

test('an address may be given out again on another network, and the first one where there is no bridge', () => {
  const net = '{ipam: {config: [{subnet: 10.1.0.0/16}]}}';
  const text = `services: {a: {image: i, networks: {x: {ipv4_address: 10.1.0.1}}}}
networks: {x: {driver: macvlan, ipam: {config: [{subnet: 10.1.0.0/16}]}}}`;
  assert.deepEqual(codesOf(text), []);
  const replicas = `services: {a: {image: i, scale: 2, networks: {x: {ipv4_address: 10.1.0.9}}}}\nnetworks: {x: ${net}}`;
  assert.deepEqual(
    diagnosticsOf(replicas).map(({ severity, code }) => [severity, code]),
    [['warning', 'conflict.address']],
  );
});

test('what any service uses, in whatever form and profile, is not unused', () => {
  const text = `services:
  a: {image: i, networks: {n1: {}}, volumes: ["v1:/a", {type: volume, source: v2, target: /b}], secrets: [s1]}
  b: {image: i, profiles: [p], networks: [n2], volumes: [v3:/c], configs: [{source: c1}]}
  c: {image: i, build: {context: ., secrets: [s2], network: n3}}
networks: {n1: , n2: , n3: , default: {}, out: {external: true}}
volumes: {v1: , v2: , v3: , out: {external: {name: x}}}
secrets: {s1: {environment: A}, s2: {environment: B}}
configs: {c1: {content: x}}
`;
  assert.deepEqual(
    codesOf(text).filter((code) => code !== 'deprecated.key'),
    [],
  );
});

test('nothing is said to be unused where a use may have been set aside, or there is no service', () => {
  assert.deepEqual(codesOf('services: {a: {image: i, volume: ["v:/v"]}}\nvolumes: {v: }'), ['schema.unknown-key']);
  assert.deepEqual(codesOf('services: {a: {image: i, volumes: ["v:/v:x:y"]}}\nvolumes: {v: }'), ['value.range']);
  assert.deepEqual(codesOf('services: {a: {image: i, volumes: ["v:/v:x"]}}\nvolumes: {v: }'), ['schema.enum']);
});

test('a service needs something to run once all is merged, if it is enabled', () => {
  const fine = [
    'services: {a: {command: nginx}}',
    'services: {a: {entrypoint: [nginx]}}',
    'services: {a: {build: .}}',
    'services: {a: {x-rootfs: ./root}}',
    'services: {a: {provider: {type: x}}}',
    'services: {a: {image: i}, b: {profiles: [p]}}',
    'services: {a: {extends: b}, b: {image: i}}',
    'x-a: &a {command: nginx}\nservices: {a: {<<: *a}}',
  ];
  for (const text of fine) assert.deepEqual(codesOf(text), [], text);
  const [found] = diagnosticsOf('services: {web: {hostname: h}}');
  assert.equal(found?.message, 'the service "web" has nothing to run: neither image nor build nor command');
  assert.match(found?.hint ?? '', /"image: NAME", or "command: PROGRAM"/);
});

test('another file may say what a service runs', () => {
  withFiles({ 'a.yaml': 'services: {a: {hostname: h}}', 'b.yaml': 'services: {a: {command: nginx}}' }, (files) => {
    assert.deepEqual(codesOf('', { files }), []);
    assert.deepEqual(codesOf('', { files: files.slice(0, 1) }), ['schema.missing']);
  });
});

test('a position names the file that says it, whichever is laid over which', () => {
  const below = unmark('services:\n  a: {image: i, networks: [⟦bck⟧]}\n');
  const above = unmark(
    'services:\n  a:\n    networks: {⟦frnt⟧: }\n    ports: ["80:80"]\n  b: {image: i, ports: [⟦"80:80"⟧]}\n',
  );
  withFiles({ 'a.yaml': below.text, 'b.yaml': above.text }, (files) => {
    const found = diagnosticsOf('', { files }).map((each) => `${each.position?.file} ${placeOf(each)}`);
    assert.deepEqual(found, [
      ...below.places.map((place) => `${files[0]} ${place}`),
      ...above.places.map((place) => `${files[1]} ${place}`),
    ]);
  });
});

test('a health check that needs a shell is a warning where the root surely has none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'roots-'));
  try {
    for (const root of ['none', 'real', 'linked', 'dangling']) mkdirSync(join(folder, root), { recursive: true });
    mkdirSync(join(folder, 'real/bin'));
    writeFileSync(join(folder, 'real/bin/sh'), '');
    // As in Debian; and absolute, which must not leave the root.
    mkdirSync(join(folder, 'linked/usr/bin'), { recursive: true });
    symlinkSync('usr/bin', join(folder, 'linked/bin'));
    writeFileSync(join(folder, 'linked/usr/bin/tsstack-shell'), '');
    symlinkSync('/usr/bin/tsstack-shell', join(folder, 'linked/usr/bin/sh'));
    mkdirSync(join(folder, 'dangling/bin'));
    symlinkSync('/bin/cat', join(folder, 'dangling/bin/sh'));
    const of = (root: string, test: string) =>
      codesOf(`services: {a: {x-rootfs: ${join(folder, root)}, command: x, healthcheck: {test: ${test}}}}`);
    assert.deepEqual(of('none', 'curl x'), ['healthcheck.shell']);
    assert.deepEqual(of('dangling', '[CMD-SHELL, curl]'), ['healthcheck.shell']);
    for (const root of ['real', 'linked', 'not-there', 'real/bin/sh']) assert.deepEqual(of(root, 'curl x'), [], root);
    assert.deepEqual(of('none', '[CMD, curl]'), []);
    assert.deepEqual(codesOf('services: {a: {image: i, healthcheck: {test: curl x}}}'), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('images need not be pinned unless the file asks for it', () => {
  const services = 'services: {a: {image: nginx}, b: {image: "nginx:latest"}}';
  assert.deepEqual(codesOf(services), []);
  assert.deepEqual(codesOf(`x-pinned-images: "\${NO:-false}"\n${services}`), []);
  assert.deepEqual(codesOf(`x-pinned-images: "\${NO:-yes}"\n${services}`), ['image.unpinned', 'image.unpinned']);
});

test('a cycle through many services is printed shortened, and many cycles are not all collected', () => {
  const chain = Array.from(
    { length: 500 },
    (_, index) => `  s${index}: {image: i, depends_on: [s${(index + 1) % 500}]}`,
  );
  const [found] = diagnosticsOf(`services:\n${chain.join('\n')}\n`);
  assert.match(found?.message ?? '', /^dependency cycle: s0 -> s1 .* -> \(481 more\) -> .* -> s499 -> s0$/);
  const dense = Array.from({ length: 60 }, (_, index) => {
    const others = Array.from({ length: 60 }, (_, other) => `s${other}`).filter((_, other) => other !== index);
    return `  s${index}: {image: i, depends_on: [${others.join(', ')}]}`;
  });
  const problems = diagnosticsOf(`services:\n${dense.join('\n')}\n`);
  assert.ok(problems.every(({ code }) => code === 'ref.cycle' || code === 'limit'));
  assert.ok(problems.length <= 51);
});

test('every complaint of what does not fit says what to write', () => {
  const texts = [
    publishing('"80:80"', '"80:80"'),
    'services: {a: {image: i, container_name: xy}, b: {image: i, container_name: xy}}',
    'services: {a: {image: i, depends_on: [b]}, b: {image: i, depends_on: [a]}}',
    'services: {a: {image: i, networks: [x]}}\nnetworks: {x: {ipam: {config: [{subnet: 10.1.0.0}]}}}',
    'services: {a: {image: i, tmpfs: [/x], volumes: [/x]}}',
    'services: {a: {image: i}}\nvolumes: {v: }',
  ];
  for (const text of texts)
    assert.deepEqual(
      diagnosticsOf(text).map(({ hint = '' }) => hint.length > 10),
      [true],
      text,
    );
});

function withFiles(files: Readonly<Record<string, string>>, run: (paths: readonly string[]) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'consistency-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    run(Object.keys(files).map((name) => join(folder, name)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('security options whose value means nothing are errors, since nothing would be protected', () => {
  for (const [option, said] of Object.entries({
    'no-new-privileges:yes': 'its value is neither true nor false',
    seccomp: 'it names no seccomp profile',
    'apparmor=': 'it names no apparmor profile',
    'systempaths=masked': 'its value is not known',
    'label=kind:x': 'it is no part of a context of SELinux',
    'label=type:a:b': 'it is no part of a context of SELinux',
    'label=filetype:x': 'files are not given labels of SELinux',
  })) {
    const text = `services: {a: {image: i, security_opt: [init, ${JSON.stringify(option)}]}}`;
    const [found] = diagnosticsOf(text).filter(({ severity }) => severity === 'error');
    assert.equal(found?.message, `services.a.security_opt[1] "${option}": ${said}`);
    assert.ok(found.hint !== undefined);
  }
});
