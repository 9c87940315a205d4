import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, problemsOf } from './load-text.ts';

test('every problem of a file is reported at once, in file order, each at its token', () => {
  const text = `services:
  web:
    imagee: nginx
    command: {a: b}
    ports: ["80:x"]
    networks: [back]
  db:
    image: postgres
    restart: often
`;
  const problems = problemsOf(text).map(({ code, position }) => [
    code,
    position?.line,
    position?.column,
    position?.length,
  ]);
  assert.deepEqual(problems, [
    ['schema.unknown-key', 3, 5, 6],
    ['schema.type', 4, 14, 6],
    ['value.range', 5, 13, 6],
    ['ref.missing', 6, 16, 4],
    ['value.range', 9, 14, 5],
  ]);
});

test('an unknown key is shown with its line, a caret under it, and the key that was meant', () => {
  const [problem] = problemsOf('services:\n  web:\n    imagee: nginx\n    tty: true\n');
  assert.equal(problem?.hint, 'did you mean "image"?');
  assert.equal(
    problem?.excerpt,
    ['  2 |   web:', '> 3 |     imagee: nginx', '    |     ^^^^^^', '  4 |     tty: true'].join('\n'),
  );
});

test('a missing network is answered with the nearest real one', () => {
  const [problem] = problemsOf('services: {a: {image: i, networks: [backnd]}}\nnetworks: {backend: {}}');
  assert.equal(problem?.code, 'ref.missing');
  assert.equal(problem?.hint, 'did you mean "backend"?');
});

test('a position points through an anchor and a merge key to where the value was written', () => {
  const [problem] = problemsOf('x-base: &base\n  mem_limit: much\nservices:\n  a: {<<: *base}\n');
  assert.deepEqual([problem?.code, problem?.position?.line, problem?.position?.column], ['value.range', 2, 14]);
});

test('a position points into the file that says it when two are merged', () => {
  const [problem] = problemsOf('services: {a: {}}', { files: ['-', '/nowhere/stack.yaml'] });
  assert.equal(problem?.code, 'path.missing');
});

test('control and bidirectional characters of a file never reach the terminal', () => {
  const [problem] = problemsOf('services:\n  "a\\u202eb\\e[31m": {}\n');
  assert.ok(problem !== undefined);
  assert.doesNotMatch(`${problem.message}${problem.hint}${problem.excerpt}`, /[\u001b\u202e]/);
  assert.match(problem.message, /\\u202e/);
});

test('a valid key that the engine does not act on is a warning with its place', () => {
  const { diagnostics } = loadText('services:\n  a:\n    cgroup_parent: p\n    image: i\n');
  assert.deepEqual(
    diagnostics.map(({ severity, code, position }) => [severity, code, position?.line, position?.column]),
    [['warning', 'unsupported.key', 3, 5]],
  );
});

test('an unset variable is a warning at the variable, a required one an error with its message', () => {
  const { diagnostics } = loadText('services: {a: {hostname: "h${NOPE}", image: i}}');
  assert.deepEqual([diagnostics[0]?.code, diagnostics[0]?.position?.column], ['interp.unset', 28]);
  const [problem] = problemsOf('services: {a: {hostname: "${NOPE:?set it}"}}');
  assert.equal(problem?.code, 'interp.required');
  assert.match(problem?.message ?? '', /set it/);
});

test('a cycle of dependencies is printed', () => {
  const [problem] = problemsOf(`services:
  a: {image: i, depends_on: [b]}
  b: {image: i, depends_on: [c]}
  c: {image: i, depends_on: [a]}`);
  assert.match(problem?.message ?? '', /a -> b -> c -> a/);
});

test('two services may not take the same host port unless their addresses differ', () => {
  const two = (left: string, right: string) =>
    `services: {a: {image: i, ports: ["${left}"]}, b: {image: i, ports: ["${right}"]}}`;
  assert.equal(problemsOf(two('80:80', '127.0.0.1:80:80'))[0]?.code, 'conflict.port');
  assert.equal(problemsOf(two('0.0.0.0:80:80', '10.0.0.1:80:80'))[0]?.code, 'conflict.port');
  assert.ok(loadText(two('127.0.0.1:80:80', '127.0.0.2:80:80')));
  assert.ok(loadText(two('80:80', '80:80/udp')));
  assert.ok(loadText(two('80-81:80', '80-81:80')));
});

test('overlapping subnets and an address outside its subnet are refused', () => {
  const net = (subnet: string) => `{ipam: {config: [{subnet: ${subnet}}]}}`;
  const text = `services: {a: {image: i, networks: {x: {ipv4_address: 10.2.0.5}, y: {}}}}
networks: {x: ${net('10.1.0.0/16')}, y: ${net('10.1.5.0/24')}}`;
  assert.deepEqual(
    problemsOf(text).map((each) => each.code),
    ['value.range', 'conflict.subnet'],
  );
});
