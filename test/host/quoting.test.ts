import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { batchText } from '../../src/host/ip-batch.ts';
import type { HostOp } from '../../src/host/op.ts';
import { renderOperations } from '../../src/host/script.ts';
import { shellQuote } from '../../src/lib/shell-quote.ts';
import { addElements, deleteElements } from '../../src/network/nft.ts';
import { launchScript } from '../../src/runtime/script.ts';
import { containerPaths, volumeDirectory } from '../../src/store/paths.ts';
import { fuzzRuns } from '../helpers/fuzz.ts';
import { containerSpec } from '../helpers/launch-config.ts';

/** What a shell, printf, echo, a here-document, ip, nft or a glob would take for something else than itself. */
const SPECIAL = [
  ...[
    ' ',
    '\t',
    '\n',
    '\r',
    "'",
    '"',
    '\\',
    '`',
    '$',
    '$(id)',
    '${HOME}',
    '`id`',
    '*',
    '?',
    '[a-z]',
    '{a,b}',
    '~',
    '#',
  ],
  ...[
    ';',
    '&',
    '|',
    '<',
    '>',
    '(',
    ')',
    '!',
    '=',
    '%s',
    '%n',
    '-',
    '--',
    '-n',
    '-e',
    '\\0101',
    '\\x41',
    '\\040',
    '\\n',
  ],
  ...['END', 'EOF\n', '\u00e9', '\u2028', '\ufeff', '\u202e', '\u007f', '\u0001', ',', ':', '/', '..', 'a', 'b'],
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...SPECIAL), fc.string()), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join('').replaceAll('\0', '').toWellFormed());
/** A name of a file. */
const name = hostile
  .map((text) => Buffer.from(text.replaceAll('/', '_')).subarray(0, 200).toString().replaceAll('\ufffd', '_'))
  .filter((text) => !['', '.', '..'].includes(text));

function shell(program: 'sh' | 'bash', script: string): Buffer {
  const done = spawnSync(program, ['-eu'], { input: script });
  assert.equal(done.status, 0, `${done.stderr}\n${script}`);
  return done.stdout;
}

for (const program of ['sh', 'bash'] as const) {
  test(`${program} takes every word as it stands, whatever it is made of`, () =>
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 60 }), (words) => {
        const said = shell(program, `printf '%s\\0' ${words.map(shellQuote).join(' ')}\n`).toString();
        assert.deepEqual(said.split('\0').slice(0, -1), words);
      }),
      fuzzRuns(15),
    ));
}

test('a word with a NUL byte is refused, and so is an empty one not lost', () => {
  assert.throws(() => shellQuote('a\0b'), /NUL/);
  assert.equal(shellQuote(''), "''");
});

test('a script of operations writes the files that it names and no others, whatever their names and content are', () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 1, maxLength: 6 }),
      hostile,
      fc.string(),
      (names, directory, content) => {
        const root = mkdtempSync(`${tmpdir()}/quoting-`);
        try {
          const inside = `${root}/${Buffer.from(directory.replaceAll('/', '_')).toString('hex').slice(0, 8)} $(x) '`;
          const data = [content, `${content}\0`, `${content}\n`];
          const operations = names.flatMap((each, index): HostOp[] => [
            { op: 'mkdir', path: inside, mode: 0o700 },
            { op: 'write-file', path: `${inside}/${each}`, data: data[index % 3] ?? '', mode: 0o600 },
          ]);
          shell('sh', renderOperations(operations));
          assert.deepEqual(readdirSync(root).length, 1);
          assert.deepEqual(new Set(readdirSync(inside)), new Set(names));
          for (const [index, each] of names.entries()) {
            assert.equal(readFileSync(`${inside}/${each}`, 'utf8'), (data[index % 3] ?? '').toWellFormed());
            assert.equal(lstatSync(`${inside}/${each}`).mode & 0o777, 0o600);
          }
          shell('sh', renderOperations(names.map((each): HostOp => ({ op: 'remove', path: `${inside}/${each}` }))));
          assert.deepEqual(readdirSync(inside), []);
        } finally {
          rmSync(root, { recursive: true });
        }
      },
    ),
    fuzzRuns(15),
  ));

test('programs in a script of operations get their words and their input as they are', () =>
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 5 }), hostile, (words, input) => {
      const print = ['sh', '-c', 'for each; do printf "%s\\0" "$each"; done; cat', 'sh', ...words];
      const stdin = `${input.replaceAll('\0', '')}\n`;
      const said = shell('sh', renderOperations([{ op: 'run', argv: print, stdin }])).toString();
      assert.equal(said, `${words.map((word) => `${word}\0`).join('')}${stdin}`);
    }),
    fuzzRuns(15),
  ));

/** Paths as they stand in a launch script, and its comments, replaced by what they are. */
function withoutPaths(state: string): string {
  const paths = containerPaths({ state, run: '/run' }, { stack: 'demo', service: 'web', index: 1 });
  let text = launchScript({
    spec: containerSpec({ tty: true, stdinOpen: true }),
    run: 3,
    paths,
    cgroupJoinFiles: [`${state}/cg`],
  });
  for (const path of [...Object.values(paths), `${state}/cg`].sort((left, right) => right.length - left.length)) {
    text = text.replaceAll(JSON.stringify(path), '@').replaceAll(shellQuote(path), '@');
  }
  return text;
}

test('a launch script holds its paths as quoted words only', () => {
  const plain = withoutPaths('/state');
  assert.match(plain, />@\n/);
  fc.assert(
    fc.property(hostile, (state) => {
      assert.equal(withoutPaths(`/${state}`), plain);
    }),
    fuzzRuns(150),
  );
});

test('a launch script with hostile paths runs nothing of them', () => {
  const root = mkdtempSync(`${tmpdir()}/quoting-`);
  try {
    const state = `${root}/a'b"c $(touch ${root}/canary) \`touch ${root}/canary\`\n touch ${root}/canary\n;`;
    const paths = containerPaths({ state, run: '/run' }, { stack: 'demo', service: 'web', index: 1 });
    const script = launchScript({ spec: containerSpec(), run: 1, paths, cgroupJoinFiles: [] });
    spawnSync('sh', ['-s', 'wait'], { input: script });
    assert.ok(!existsSync(`${root}/canary`));
  } finally {
    rmSync(root, { recursive: true });
  }
});

/** What iproute2 makes of a batch: getcmdline() and makeargs() of its lib/utils.c. */
function ipReads(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => {
    const words: string[] = [];
    for (let rest = line.replace(/#.*$/s, '').replace(/^[ \t\r\n]+/, ''); rest !== ''; ) {
      const quote = rest[0] === '"' || rest[0] === "'" ? rest[0] : undefined;
      const end = quote === undefined ? rest.search(/[ \t\r\n]|$/) : rest.indexOf(quote, 1);
      assert.notEqual(end, -1, `unterminated: ${line}`);
      words.push(rest.slice(quote === undefined ? 0 : 1, end));
      rest = rest.slice(quote === undefined ? end : end + 1).replace(/^[ \t\r\n]+/, '');
    }
    return words;
  });
}

test('a line of a batch of ip or tc has the words that it was given, or is refused', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(hostile, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      (lines) => {
        let text: string;
        try {
          text = batchText(lines.map((args) => ({ args })));
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'internal');
          return;
        }
        assert.deepEqual(ipReads(text), lines);
      },
    ),
    fuzzRuns(400),
  );
  assert.deepEqual(ipReads(batchText([{ args: ['link', "'a", '', 'b c'] }])), [['link', "'a", '', 'b c']]);
  for (const word of ['a#b', 'a"b', 'a\nb', 'a\\', 'a\rb', 'a\0b']) assert.throws(() => batchText([{ args: [word] }]));
});

test('an element of an nft set cannot end its command', () => {
  const texts = ['1.2.3.4 }; flush ruleset; #', 'a\nflush ruleset', '02:00:00:00:00:01 ; x', '{', '$x', '\\'];
  for (const text of texts) {
    assert.throws(() => addElements([{ set: 'macs', text }]), { code: 'internal' });
    assert.throws(() => deleteElements([{ set: 'macs', text }]), { code: 'internal' });
  }
  const text = '"ts-web1-yjnu0" . 02:42:0a:40:00:02 . fd00::/64 : 10.0.0.1 . 80-90';
  assert.deepEqual(addElements([{ set: 'own4', text }]), [
    { op: 'nft', script: `add element inet tsstack own4 { ${text} }\n` },
  ]);
});

test('the directory of a volume is one below that of all volumes', () => {
  const paths = { state: '/state', run: '/run' };
  assert.equal(volumeDirectory(paths, 'a..b'), '/state/volumes/a..b');
  for (const each of ['..', '.', '', '../x', 'a/b', '/etc', 'a\0']) assert.throws(() => volumeDirectory(paths, each));
});
