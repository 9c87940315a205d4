import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import fc from 'fast-check';
import { script } from '../../src/build/dockerfile/instruction.ts';
import { parseDockerfile, parseTrigger } from '../../src/build/dockerfile/parse.ts';
import { InvalidDockerfileError } from '../../src/model/error.ts';

/** Instructions of the first stage without their places. */
function instructions(text: string): readonly unknown[] {
  const [stage] = parseDockerfile(text, 'Dockerfile').stages;
  return stage.instructions.map(({ position, ...rest }) => rest);
}

function one(text: string): unknown {
  return instructions(`FROM a\n${text}`)[0];
}

/** `line:column message (hint)` of everything that is wrong. */
function problems(text: string): readonly string[] {
  try {
    return parseDockerfile(text, 'Dockerfile').warnings.map(shown);
  } catch (error) {
    assert.ok(error instanceof InvalidDockerfileError, String(error));
    return error.diagnostics.map(shown);
  }
}

function shown({ position, message, hint }: InvalidDockerfileError['diagnostics'][number]): string {
  return `${position?.line}:${position?.column} ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

const shell = (line: string, heredocs: readonly unknown[] = []) => ({ form: 'shell', line, heredocs });
const run = { type: 'run', mounts: [], network: 'default', security: 'sandbox' };
const copy = { type: 'copy', heredocs: [], link: false, excludes: [], parents: false };
const add = { type: 'add', heredocs: [], link: false, excludes: [] };

const CASES: readonly [text: string, instruction: unknown][] = [
  ['RUN echo a', { ...run, command: shell('echo a') }],
  ['run ["a", "b c"]', { ...run, command: { form: 'exec', argv: ['a', 'b c'] } }],
  ["RUN ['a']", { ...run, command: shell("['a']") }],
  ['RUN [ -f x ] && y', { ...run, command: shell('[ -f x ] && y') }],
  ['RUN a \\\n# note\n  b \\\n\n   c', { ...run, command: shell('a   b    c') }],
  ['RUN a \\  \n b', { ...run, command: shell('a  b') }],
  ['RUN a\\\\\nUSER b', { ...run, command: shell('a\\\\') }],
  [
    'RUN --mount=type=cache,target=/x --mount=target=/y --network=none --security=insecure \\\n --  --make',
    {
      ...run,
      command: shell('--make'),
      mounts: ['type=cache,target=/x', 'target=/y'],
      network: 'none',
      security: 'insecure',
    },
  ],
  [
    'RUN <<EOF\necho a\n# kept\nEOF',
    { ...run, command: shell('<<EOF', [{ name: 'EOF', chomp: false, expand: true, content: 'echo a\n# kept\n' }]) },
  ],
  [
    'RUN cat <<-"A" 3<< B > x\n\t1\n\tA\n2\nB',
    {
      ...run,
      command: shell('cat <<-"A" 3<< B > x', [
        { name: 'A', chomp: true, expand: false, content: '\t1\n' },
        { name: 'B', chomp: false, expand: true, content: '2\n' },
      ]),
    },
  ],
  ['RUN echo "<<EOF" $((1<<2))', { ...run, command: shell('echo "<<EOF" $((1<<2))') }],
  ['CMD echo "$HOME"', { type: 'cmd', command: shell('echo "$HOME"') }],
  ['CMD []', { type: 'cmd', command: { form: 'exec', argv: [] } }],
  ['ENTRYPOINT ["x"]', { type: 'entrypoint', command: { form: 'exec', argv: ['x'] } }],
  [
    'LABEL a="b c" d=\'e\' f=g\\ h',
    {
      type: 'label',
      pairs: [
        { name: 'a', value: '"b c"' },
        { name: 'd', value: "'e'" },
        { name: 'f', value: 'g\\ h' },
      ],
    },
  ],
  ['ENV a b = c', { type: 'env', pairs: [{ name: 'a', value: 'b = c' }] }],
  [
    'ENV a= b="x"',
    {
      type: 'env',
      pairs: [
        { name: 'a', value: '' },
        { name: 'b', value: '"x"' },
      ],
    },
  ],
  ['EXPOSE 80/tcp $P', { type: 'expose', ports: ['80/tcp', '$P'] }],
  [
    'ADD --chown=a:b --chmod=644 --checksum=sha256:0 --keep-git-dir --exclude=*.o --exclude=x https://h/f /to/',
    {
      ...add,
      sources: ['https://h/f'],
      destination: '/to/',
      chown: 'a:b',
      chmod: '644',
      excludes: ['*.o', 'x'],
      checksum: 'sha256:0',
      keepGitDir: true,
    },
  ],
  ['ADD --unpack=false a b', { ...add, sources: ['a'], destination: 'b', unpack: false }],
  [
    'COPY --from=build --link --parents=true a "b" c',
    { ...copy, sources: ['a', '"b"'], destination: 'c', link: true, parents: true, from: 'build' },
  ],
  ['COPY ["a b", "c"]', { ...copy, sources: ['a b'], destination: 'c' }],
  [
    "COPY <<A <<-'B' x /d/\n$a\nA\n\t$b\nB",
    {
      ...copy,
      sources: ['x'],
      destination: '/d/',
      heredocs: [
        { name: 'A', chomp: false, expand: true, content: '$a\n' },
        { name: 'B', chomp: true, expand: false, content: '\t$b\n' },
      ],
    },
  ],
  ['VOLUME /a /b', { type: 'volume', paths: ['/a', '/b'] }],
  ['VOLUME ["/a b"]', { type: 'volume', paths: ['/a b'] }],
  ['USER a:b', { type: 'user', text: 'a:b' }],
  ['WORKDIR /a b', { type: 'workdir', text: '/a b' }],
  [
    'ARG A B=c D="e f"',
    { type: 'arg', arguments: [{ name: 'A' }, { name: 'B', value: 'c' }, { name: 'D', value: '"e f"' }] },
  ],
  ['ONBUILD RUN x \\\n y', { type: 'onbuild', expression: 'RUN x  y' }],
  ['ONBUILD COPY <<A /x\n1\nA', { type: 'onbuild', expression: 'COPY <<A /x\n1\nA' }],
  ['STOPSIGNAL SIGINT', { type: 'stopsignal', text: 'SIGINT' }],
  ['HEALTHCHECK NONE', { type: 'healthcheck' }],
  [
    'HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0s --start-interval=500ms --retries=2 CMD ["a"]',
    {
      type: 'healthcheck',
      command: { form: 'exec', argv: ['a'] },
      intervalMs: 90_000,
      timeoutMs: 1500,
      startIntervalMs: 500,
      retries: 2,
    },
  ],
  ['HEALTHCHECK CMD a || b', { type: 'healthcheck', command: shell('a || b') }],
  ['SHELL ["/bin/bash", "-c"]', { type: 'shell', argv: ['/bin/bash', '-c'] }],
  ['MAINTAINER me', { type: 'maintainer', text: 'me' }],
];

test('parseDockerfile() reads every form of every instruction', () => {
  for (const [text, expected] of CASES) assert.deepEqual(one(text), expected, text);
});

test('parseDockerfile() reads directives, arguments before FROM and all stages', () => {
  const text =
    '# escape=`\n# syntax=docker/dockerfile:1\nARG V=1\nFROM --platform=$P a:$V AS Base\nRUN c:\\ `\n x\nfrom base\n';
  const { globals, stages, escapeCharacter, syntax } = parseDockerfile(text, 'D');
  assert.deepEqual([escapeCharacter, syntax], ['`', 'docker/dockerfile:1']);
  assert.deepEqual(globals[0]?.arguments, [{ name: 'V', value: '1' }]);
  const froms = stages.map(({ from: { position, ...rest } }) => rest);
  assert.deepEqual(froms, [
    { type: 'from', base: 'a:$V', platform: '$P', name: 'base' },
    { type: 'from', base: 'base' },
  ]);
  assert.deepEqual(stages[0].instructions[0]?.type === 'run' && stages[0].instructions[0].command, shell('c:\\  x'));
});

test('a directive after a comment is a comment', () => {
  assert.equal(parseDockerfile('# hello\n# escape=`\nFROM a', 'D').escapeCharacter, '\\');
});

const WRONG: readonly [text: string, problems: readonly string[]][] = [
  ['', ['1:1 the file has no FROM (Begin with FROM IMAGE or FROM scratch)']],
  ['RUN x\nFROM a', ['1:1 RUN stands before the first FROM (Only ARG may)']],
  [
    'FROM a\nCOPPY a b\n  RNU x\nEXPOSE\n',
    [
      '2:1 there is no instruction COPPY (did you mean "COPY"?)',
      '3:3 there is no instruction RNU (did you mean "RUN"?)',
      '4:1 EXPOSE has no arguments',
    ],
  ],
  [
    'FROM a AS 1b',
    ['1:11 "1b" is no name for a stage (It begins with a letter and has letters, digits, "-", "_" and ".")'],
  ],
  ['FROM a b', ['1:8 FROM has two words (Write FROM IMAGE AS NAME)']],
  ['FROM a\nCOPY --form=x \\\n a b', ['2:6 COPY has no flag --form (did you mean "--from"?)']],
  [
    'FROM a\nRUN \\\n  --mount=type=cahce,target=/x y',
    ['3:3 the option type of --mount is "cahce" (did you mean "cache"?)'],
  ],
  ['FROM a\nRUN --mount=type=bind,size=1,target=/x y', ['2:5 a mount of type bind has no option size']],
  [
    'FROM a\nRUN --mount=from=$X,target=/x y',
    ['2:5 "from" of --mount has a variable (Give the image a name of its own: FROM $VARIABLE AS name)'],
  ],
  ['FROM a\nCOPY a', ['2:6 COPY needs a source and a destination (Write COPY SOURCE DESTINATION)']],
  [
    'FROM a\nCMD ["a", 1]',
    ['2:1 an array in JSON form holds something other than strings (Put each element in double quotes)'],
  ],
  ['FROM a\nENV a=b c', ['2:9 ENV: there is no "=" in "c" (Write NAME=VALUE; quote a value with blanks)']],
  ['FROM a\nRUN <<EOF\nx', ['2:1 the heredoc "EOF" has no end (Put EOF on a line of its own behind it)']],
  [
    'FROM a\nHEALTHCHECK --interval=1 CMD x',
    ['2:1 --interval of HEALTHCHECK is "1" (Write a time of 1ms or more, such as 30s or 1m30s)'],
  ],
  ['FROM a\nONBUILD FROM b', ['2:9 ONBUILD cannot carry FROM']],
  ['FROM a\nONBUILD RNU b', ['2:1 ONBUILD: there is no instruction RNU (did you mean "RUN"?)']],
  ['# escape=x\nFROM a', ['1:1 the escape character "x" (It is \\ or `)']],
];

test('parseDockerfile() tells all that is wrong, where, and what to write', () => {
  for (const [text, expected] of WRONG) assert.deepEqual(problems(text), expected, text);
});

test('what is better written otherwise is a warning', () => {
  assert.deepEqual(problems("FROM a\nMAINTAINER x\nCMD ['a']\nENV a b"), [
    '2:1 MAINTAINER is out of use (Write LABEL org.opencontainers.image.authors="NAME")',
    '3:1 CMD looks like JSON form and is not: it is given to a shell (JSON has double quotes, and no comma at the end)',
    '4:1 ENV without "=" is the old form (Write ENV a=VALUE)',
  ]);
});

test('the position of an instruction reaches over its first line', () => {
  const [instruction] = parseDockerfile('FROM a\n  RUN x \\\n y\n', 'D').stages[0].instructions;
  assert.deepEqual(instruction?.position, { file: 'D', line: 2, column: 3, length: 7, end: { line: 2, column: 10 } });
});

test('hostile files have an end', () => {
  assert.match(problems(`FROM a\n${'X y\n'.repeat(100)}`).join('\n'), /^(?:.*\n){19}.*$/);
  assert.match(problems(`FROM a\n${'RUN x\n'.repeat(20_000)}`)[0] ?? '', /more than 10000 instructions/);
  assert.match(problems(`FROM a\nRUN ${'x'.repeat(70_000)}`)[0] ?? '', /a line of 70004 characters/);
  assert.match(problems('x'.repeat(2_000_000))[0] ?? '', /the limit is 1048576/);
  const began = Date.now();
  problems(`#${' '.repeat(60_000)}x\nFROM a\nRUN ${' '.repeat(60_000)}x\nENV a=${'"'.repeat(60_000)}`);
  assert.ok(Date.now() - began < 2000, 'blanks cost no square of their number');
});

test('script() gives what BuildKit gives the shell', () => {
  const command = (text: string) => {
    const found = parseDockerfile(`FROM a\n${text}`, 'D').stages[0].instructions[0];
    assert.ok(found?.type === 'run' && found.command.form === 'shell');
    return script(found.command);
  };
  assert.deepEqual(command('RUN a b'), { type: 'shell', line: 'a b' });
  assert.deepEqual(command('RUN <<-E\n\ta\n\tE'), { type: 'shell', line: 'a\n' });
  assert.deepEqual(command('RUN <<E\n#!/bin/x\na\nE'), { type: 'file', name: 'E', content: '#!/bin/x\na\n' });
  assert.deepEqual(command('RUN sh <<E\na\nE'), { type: 'shell', line: 'sh <<E\na\nE' });
});

test('parseTrigger() reads what an image configuration carries', () => {
  assert.equal(parseTrigger('COPY <<A /x\n1\nA', 'image').type, 'copy');
  assert.throws(() => parseTrigger('RUN a\nRUN b', 'image'), InvalidDockerfileError);
});

const KEYWORDS = ['RUN', 'COPY', 'ENV', 'ARG', 'LABEL', 'ONBUILD', 'HEALTHCHECK', 'CMD', 'ADD', 'VOLUME', 'SHELL'];
const fragment = fc.oneof(
  fc.constantFrom(...KEYWORDS, 'FROM a', ' ', '\n', '\\\n', '# c\n', '<<A\n', 'A\n', '--mount=', '--from=', '="', "'"),
  fc.constantFrom('["a"', ']', '$', '${', 'type=cache,', 'NONE', '\t', '`', '\r\n', 'ü', '--'),
  fc.string({ maxLength: 5 }),
);

test('parseDockerfile() throws nothing but its own error, whatever the text', () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 30 }), (parts) => {
      for (const line of problems(`FROM a\n${parts.join('')}`)) assert.match(line, /^\d+:\d+ \S/);
    }),
    { numRuns: 3000 },
  );
});

/** No `\\\\` at the end of a line, which the other parser joins with the next one and BuildKit does not. */
const plainLine = fc.constantFrom(
  ...['RUN a', 'RUN a \\\n  b', 'RUN a \\\n# c\n b', '# c', '', 'COPY a b', 'COPY --from=x a \\\n b', 'ENV a="b c"'],
  ...['RUN <<E\na\nRUN b\nE', 'COPY <<E <<-F /x\n1\nE\n\t2\n\tF', 'CMD ["a", \\\n"b"]', '  WORKDIR /x  '],
);

test('another parser finds the same instructions in the same lines', () => {
  fc.assert(
    fc.property(fc.array(plainLine, { maxLength: 12 }), (lines) => {
      const text = ['FROM a', ...lines].join('\n');
      const [stage] = parseDockerfile(text, 'D').stages;
      const ours = [stage.from, ...stage.instructions].map(({ type, position }) => `${position.line} ${type}`);
      const others = DockerfileParser.parse(text)
        .getInstructions()
        .map((each) => `${each.getRange().start.line + 1} ${each.getKeyword().toLowerCase()}`);
      assert.deepEqual(ours, others);
    }),
    { numRuns: 300 },
  );
});
