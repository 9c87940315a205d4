import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandStep } from '../../src/build/dockerfile/expand.ts';
import { parseDockerfile } from '../../src/build/dockerfile/parse.ts';
import { automaticArguments, globalArguments, StageScope, unusedArguments } from '../../src/build/dockerfile/scope.ts';
import { planStages, type Source } from '../../src/build/dockerfile/stages.ts';
import { InvalidDockerfileError, TsstackError } from '../../src/model/error.ts';

interface Options {
  readonly target?: string;
  readonly given?: Readonly<Record<string, string>>;
  readonly contexts?: readonly string[];
}

const LINUX = { os: 'linux', architecture: 'amd64' };

function plan(text: string, { target, given = {}, contexts = [] }: Options = {}) {
  const dockerfile = parseDockerfile(text, 'Dockerfile');
  const globals = globalArguments(dockerfile, new Map(Object.entries(given)), automaticArguments(LINUX, LINUX));
  return planStages(dockerfile, { ...(target !== undefined && { target }), globals, contexts: new Set(contexts) });
}

/** `0 debian`, `1 <0 from 0,image:x` … */
function shown(text: string, options?: Options): readonly string[] {
  const name = (source: Source): string =>
    source.type === 'stage' ? `<${source.index}` : source.type === 'image' ? source.reference : `${source.type}!`;
  return plan(text, options).stages.map(({ index, base, sources }) =>
    [index, name(base), ...[...sources.values()].map(name)].join(' '),
  );
}

function wrong(text: string, options?: Options): readonly string[] {
  try {
    plan(text, options);
  } catch (error) {
    if (error instanceof InvalidDockerfileError) {
      return error.diagnostics.map(({ position, message, hint }) => `${position?.line} ${message} (${hint})`);
    }
    assert.ok(error instanceof TsstackError, String(error));
    return [`${error.message} (${error.hint})`];
  }
  return [];
}

const FILE = `ARG V=12
FROM debian:$V AS base
FROM base AS build
RUN --mount=type=bind,from=tools,target=/t --mount=type=cache,target=/c make
FROM busybox AS unused
FROM scratch
COPY --from=build /a /a
COPY --from=0 /b /b
COPY --from=alpine:3 /c /c
COPY . /
`;

test('planStages() takes the stages that the target needs, and each behind what it needs', () => {
  assert.deepEqual(shown(FILE), ['0 debian:12', '1 <0 tools', '3 scratch! <1 <0 alpine:3']);
  assert.deepEqual(shown(FILE, { target: 'Build' }), ['0 debian:12', '1 <0 tools']);
  assert.deepEqual(shown(FILE, { target: '0', given: { V: '13' } }), ['0 debian:13']);
  assert.deepEqual(
    plan(FILE).stages.map(({ needs }) => needs),
    [[], [0], [0, 1]],
  );
});

test('a named context hides the stage or image of its name', () => {
  assert.deepEqual(shown(FILE, { contexts: ['build', 'tools'] }), ['0 debian:12', '3 scratch! context! <0 alpine:3']);
  assert.deepEqual(shown('FROM debian', { contexts: ['debian'] }), ['0 context!']);
});

test('the stage of a name that is taken twice is the last one before', () => {
  assert.deepEqual(shown('FROM a AS x\nFROM b AS x\nFROM x'), ['1 b', '2 <1']);
  assert.deepEqual(shown('FROM x AS x'), ['0 x']);
});

test('planStages() tells wrong references, all at once', () => {
  const text =
    'FROM a AS a\nCOPY --from=c x y\nCOPY --from=7 x y\nCOPY --from=a x y\nRUN --mount=from=c,target=/x y\nFROM a AS c';
  assert.deepEqual(wrong(text, { target: 'a' }), [
    '2 the stage "c" comes later, in line 6 (Move it before this one)',
    '3 there is no stage "7" (There are 2, counted from 0)',
    '4 the stage "a" takes files from itself (undefined)',
    '5 the stage "c" comes later, in line 6 (Move it before this one)',
  ]);
  assert.deepEqual(wrong('FROM $X'), [
    '1 FROM names no image: its variable is empty (Give it with build.args, or a default: ARG NAME=VALUE before FROM)',
  ]);
  assert.deepEqual(wrong('FROM ${X:?unset}'), ['1 X: unset (undefined)']);
  assert.deepEqual(wrong(FILE, { target: 'biuld' }), ['The Dockerfile has no stage "biuld" (did you mean "build"?)']);
});

/** Applies a stage; what each instruction is once expanded. */
function steps(text: string, given: Readonly<Record<string, string>> = {}, environment: Record<string, string> = {}) {
  const dockerfile = parseDockerfile(text, 'Dockerfile');
  const values = new Map(Object.entries(given));
  const globals = globalArguments(dockerfile, values, automaticArguments(LINUX, { ...LINUX, architecture: 'arm64' }));
  const scope = new StageScope({
    given: values,
    globals,
    environment: new Map(Object.entries(environment)),
    escapeCharacter: dockerfile.escapeCharacter,
  });
  const expanded = dockerfile.stages[0].instructions.map((instruction) => {
    const { step, read } = expandStep(instruction, scope);
    if (step.type === 'arg') scope.declare(step);
    if (step.type === 'env') scope.setEnvironment(step.pairs);
    const { position, ...rest } = step;
    return { ...rest, read: [...read].sort() };
  });
  return { expanded, scope };
}

function labelled(
  text: string,
  given?: Readonly<Record<string, string>>,
  environment?: Record<string, string>,
): string {
  const { expanded } = steps(`${text}\nLABEL x="$X"`, given, environment);
  const last = expanded.at(-1);
  assert.ok(last?.type === 'label');
  return last.pairs[0]?.value ?? '';
}

test('ARG and ENV: the table of the Dockerfile reference', () => {
  assert.equal(labelled('ARG X=1\nFROM a'), '', 'an argument before FROM is not seen in a stage');
  assert.equal(labelled('ARG X=1\nFROM a\nARG X'), '1', 'unless it asks for it');
  assert.equal(labelled('ARG X=1\nFROM a\nARG X=2'), '2');
  assert.equal(labelled('ARG X=1\nFROM a\nARG X=2', { X: '3' }), '3', 'what is given counts more than defaults');
  assert.equal(labelled('FROM a', { X: '3' }), '', 'what nobody asks for is not there');
  assert.equal(labelled('FROM a\nARG X=2\nENV X=4', { X: '3' }), '4', 'ENV hides ARG');
  assert.equal(labelled('FROM a\nARG X=2\nENV X=${X:-v1}', { X: '3' }), '3');
  assert.equal(labelled('FROM a\nARG X', {}, { X: 'base' }), 'base', 'an ARG without a value hides nothing');
  assert.equal(labelled('FROM a\nARG A=1 X=$A'), '1', 'a default sees the one before it in the same ARG');
  assert.equal(labelled('FROM a\nENV X=1\nENV X=2 Y=$X\nENV X=$Y'), '1', 'a whole ENV sees what was before it');
  assert.equal(labelled('FROM a\nARG X=$TARGETARCH'), '', 'platform arguments are asked for too');
  assert.equal(labelled('FROM a\nARG TARGETARCH\nARG X=$TARGETARCH'), 'arm64');
  assert.equal(
    labelled('FROM a\nARG TARGETPLATFORM BUILDPLATFORM\nARG X=$TARGETPLATFORM-$BUILDPLATFORM'),
    'linux/arm64-linux/amd64',
  );
  assert.equal(labelled('FROM a', { http_proxy: 'p', X: '' }), '');
});

test('RUN gets arguments, environment and proxies; the image only the environment', () => {
  const { scope } = steps('FROM a\nARG A=1\nENV E=2', { HTTP_PROXY: 'p', no_proxy: 'n' }, { PATH: '/bin' });
  assert.deepEqual(
    [...scope.runEnvironment().values],
    [
      ['PATH', '/bin'],
      ['A', '1'],
      ['E', '2'],
    ],
  );
  assert.deepEqual(
    [...scope.runEnvironment().proxies],
    [
      ['HTTP_PROXY', 'p'],
      ['http_proxy', 'p'],
      ['NO_PROXY', 'n'],
      ['no_proxy', 'n'],
    ],
  );
  assert.deepEqual(
    [...scope.environment],
    [
      ['PATH', '/bin'],
      ['E', '2'],
    ],
  );
  const asked = steps('FROM a\nARG HTTP_PROXY', { HTTP_PROXY: 'p' }).scope;
  assert.deepEqual([...asked.runEnvironment().proxies.keys()], ['HTTP_PROXY', 'http_proxy']);
  assert.deepEqual([...asked.runEnvironment().values], [['HTTP_PROXY', 'p']]);
});

test('expandStep() expands what BuildKit expands, and tells what was read', () => {
  const { expanded } = steps(
    `FROM a
ENV D=/d M="a b" P="1 2"
COPY --chown=$D --chmod=$D --exclude=$D $M "$M" $D/
ADD --checksum=$D x y
WORKDIR $D
USER "$D"
VOLUME $D
EXPOSE $P 3
STOPSIGNAL $D
RUN --mount=type=cache,target=$D,id=\${NO:-x} echo $D
CMD echo $D
COPY <<A <<"B" /
'$D' "\\$D"
A
$D
B`,
  );
  const one = (index: number) => expanded[index] as unknown as Record<string, unknown>;
  assert.deepEqual(
    [one(1)['sources'], one(1)['destination'], one(1)['chown'], one(1)['chmod'], one(1)['excludes'], one(1)['read']],
    [['a b', 'a b'], '/d/', '/d', '/d', ['$D'], ['D', 'M']],
  );
  assert.equal(one(2)['checksum'], '/d');
  assert.deepEqual(
    [3, 4, 7].map((index) => one(index)['text']),
    ['/d', '/d', '/d'],
  );
  assert.deepEqual(one(5)['paths'], ['/d']);
  assert.deepEqual(one(6)['ports'], ['1', '2', '3']);
  assert.deepEqual(one(8)['mounts'], [{ type: 'cache', target: '/d', id: 'x', readOnly: false, required: false }]);
  assert.deepEqual(one(9)['command'], { form: 'shell', line: 'echo $D', heredocs: [] });
  const contents = (one(10)['heredocs'] as { content: string }[]).map(({ content }) => content);
  assert.deepEqual(contents, ['\'/d\' "$D"\n', '$D\n']);
});

const MOUNTS: readonly [text: string, mount: object][] = [
  ['target=/x', { type: 'bind', target: '/x', readOnly: true }],
  ['type=bind,from=b,source=/s,dst=/x,rw', { type: 'bind', from: 'b', source: '/s', target: '/x', readOnly: false }],
  [
    'type=cache,target=/x,sharing=locked,id=i,mode=0700,uid=1,gid=2,ro',
    { type: 'cache', target: '/x', sharing: 'locked', id: 'i', mode: 0o700, uid: 1, gid: 2, readOnly: true },
  ],
  ['type=tmpfs,target=/x,size=64m', { type: 'tmpfs', target: '/x', sizeBytes: 64 * 2 ** 20, readOnly: false }],
  ['type=secret,id=s,env=S,required', { type: 'secret', id: 's', env: 'S', required: true, readOnly: true }],
  ['type=ssh,required=true,mode=0666', { type: 'ssh', required: true, mode: 0o666, readOnly: true }],
];

test('every option of every kind of mount', () => {
  for (const [text, mount] of MOUNTS) {
    const [first] = steps(`FROM a\nRUN --mount=${text} x`).expanded;
    assert.deepEqual((first as unknown as { mounts: unknown[] }).mounts, [{ required: false, ...mount }], text);
  }
});

test('unusedArguments() names what no ARG asks for', () => {
  const dockerfile = parseDockerfile('ARG A\nFROM a\nARG B', 'D');
  const given = new Map([
    ['A', ''],
    ['B', ''],
    ['C', ''],
    ['HTTP_PROXY', ''],
  ]);
  assert.deepEqual(unusedArguments(dockerfile, given), ['C']);
});
