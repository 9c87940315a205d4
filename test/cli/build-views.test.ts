import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { PLAIN } from '../../src/cli/style.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { LiveBuilds } from '../../src/cli/views/build-live.ts';
import type { BuildEvent } from '../../src/cli/views/build-step.ts';
import { printReport } from '../../src/cli/views/error.ts';
import { LiveProgress } from '../../src/cli/views/progress-live.ts';
import { PlainProgress } from '../../src/cli/views/progress-plain.ts';
import { sourceExcerpt } from '../../src/lib/source-excerpt.ts';

interface Screen extends Terminal {
  /** What is seen, by line. */
  readonly lines: () => readonly string[];
  /** Everything that was written. */
  readonly written: () => string;
}

/** A terminal that understands line breaks, CPL and ED. */
function screen(columns = 80, rows = 24): Screen {
  let seen: string[] = [''];
  let all = '';
  const write = (text: string): void => {
    all += text;
    for (const [, up, clear, line] of text.matchAll(/\u001b\[(\d+)F|(\u001b\[J)|([^\u001b]+)/g)) {
      if (up !== undefined) seen = seen.slice(0, -Number(up));
      else if (clear !== undefined) seen[seen.length - 1] = '';
      else {
        const [first = '', ...more] = (line ?? '').split('\n');
        seen.push(`${seen.pop() ?? ''}${first}`, ...more);
      }
    }
  };
  return { isTerminal: true, columns, rows, style: PLAIN, write, lines: () => seen.slice(0, -1), written: () => all };
}

const STEP = { build: 'web', id: '2.3', stage: 'builder', number: 3, count: 7, text: 'RUN make \\\n  all' } as const;
const COPY = { build: 'db', id: '1.2', stage: '0', number: 2, count: 2, text: 'COPY . /' } as const;

const started = (step: typeof STEP | typeof COPY): BuildEvent => ({ type: 'build-step', state: 'started', ...step });
const ended = (step: typeof STEP | typeof COPY, state: 'done' | 'cached' | 'failed'): BuildEvent => ({
  type: 'build-step',
  state,
  durationMs: 1234,
  ...step,
});
const output = (text: string): BuildEvent => ({ type: 'build-output', build: 'web', id: '2.3', text });

describe('plain progress of builds', () => {
  it('has the service and the step on every line; lines are whole', () => {
    const terminal = screen();
    const view = new PlainProgress(terminal);
    const events = [started(STEP), output('one\ntw'), started(COPY), output('o\n\u001b[31mred\u001b[0m\rover\nend')];
    for (const event of [...events, ended(STEP, 'done'), ended(COPY, 'failed')]) view.show(event);
    assert.deepEqual(terminal.lines(), [
      'web  2.3 [builder 3/7] RUN make all',
      'web  2.3 | one',
      'db  1.2 [0 2/2] COPY . /',
      'web  2.3 | two',
      'web  2.3 | over',
      'web  2.3 | end',
      'web  2.3 DONE 1.23s',
      'db  1.2 ERROR 1.23s',
    ]);
  });

  it('says of a step that was cached what it is in the same line', () => {
    const terminal = screen();
    const view = new PlainProgress(terminal);
    view.show(ended(STEP, 'cached'));
    view.show({
      type: 'build-step',
      state: 'started',
      build: 'web',
      id: 'context',
      stage: '',
      text: 'load build context',
    });
    assert.deepEqual(terminal.lines(), [
      'web  2.3 [builder 3/7] RUN make all … CACHED',
      'web  context load build context',
    ]);
  });

  it('a line without end is no heap without end', () => {
    const terminal = screen();
    const view = new PlainProgress(terminal);
    view.show(started(STEP));
    for (let times = 0; times < 5; times += 1) view.show(output('x'.repeat(10_000)));
    assert.equal(terminal.lines().length, 3);
    view.show(ended(STEP, 'done'));
    assert.equal(terminal.lines().join('').replaceAll(/[^x]/g, '').length, 50_000);
  });
});

describe('live progress of builds', () => {
  it('draws running steps with their time and last lines, and folds them when they are done', () => {
    mock.timers.enable({ apis: ['setInterval', 'Date'] });
    try {
      const terminal = screen();
      const builds = new LiveBuilds(terminal);
      builds.show(started(STEP));
      builds.show(started(COPY));
      builds.show(output('1\n2\n3\n4\n5\n6\nopen'));
      mock.timers.tick(2000);
      assert.deepEqual(terminal.lines(), [
        '⠋ web 2.3 [builder 3/7] RUN make all 2.00s',
        '  │ 3',
        '  │ 4',
        '  │ 5',
        '  │ 6',
        '  │ open',
        '⠋ db 1.2 [0 2/2] COPY . / 2.00s',
      ]);
      builds.show(ended(STEP, 'done'));
      builds.show(ended(COPY, 'cached'));
      builds.end();
      assert.deepEqual(terminal.lines(), [
        '✔ web 2.3 [builder 3/7] RUN make all 1.23s',
        '✔ db 1.2 [0 2/2] COPY . / CACHED',
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  it('stays within the terminal, whatever it is told, and lets no control character through', () => {
    mock.timers.enable({ apis: ['setInterval', 'Date'] });
    try {
      const terminal = screen(40, 6);
      const builds = new LiveBuilds(terminal);
      for (let each = 0; each < 3; each += 1) {
        builds.show({
          type: 'build-step',
          state: 'started',
          ...STEP,
          build: `b${each}`,
          text: `RUN ${'字'.repeat(60)}`,
        });
        const text = `\u001b]0;title\u0007\u001b[2J${'y'.repeat(99)}\n`.repeat(9);
        builds.show({ type: 'build-output', build: `b${each}`, id: '2.3', text });
      }
      builds.transfer({ type: 'transfer', subject: 'alpine', digest: 'sha256:a', bytes: 1, size: 2 });
      mock.timers.tick(100);
      const lines = terminal.lines();
      assert.ok(lines.length <= 5, `${lines.length} lines`);
      const width = (line: string): number => [...line].reduce((sum, each) => sum + (each === '字' ? 2 : 1), 0);
      for (const line of lines) assert.ok(width(line) < 40, line);
      assert.match(lines.at(-1) ?? '', /alpine {2}0 of 1/);
      const sequences = [...terminal.written().matchAll(/\u001b.{0,3}/g)].map(([text]) => text);
      assert.deepEqual(
        sequences.filter((text) => !/^\u001b\[(\d+F|J)/.test(text)),
        [],
      );
      assert.ok(!terminal.written().includes('\u0007'));
      builds.end();
      assert.match(terminal.lines().join('\n'), /^■ b0 2\.3 .* not done\n■ b1.*\n■ b2.*not done$/);
    } finally {
      mock.timers.reset();
    }
  });

  it('remarks stay above what is drawn, and a plan ends it', async () => {
    const terminal = screen();
    const view = new LiveProgress(terminal);
    view.show(started(STEP));
    view.show({ type: 'warning', message: 'look' });
    view.note('Cancelling…');
    view.show(ended(STEP, 'failed'));
    await view.close();
    assert.deepEqual(terminal.lines(), ['! look', 'Cancelling…', '✖ web 2.3 [builder 3/7] RUN make all 1.23s']);
  });
});

describe('the error of a build', () => {
  it('comes after what led to it: the last lines, then the place in the Dockerfile', () => {
    const text = 'FROM base\n\nRUN make \\\n  all\nCOPY . /\nRUN \u001b[2Jtest\nCMD run\n';
    const excerpt = sourceExcerpt(text, 3, 4);
    assert.deepEqual(excerpt, [
      '1 |     FROM base',
      '2 |',
      '3 | >>> RUN make \\',
      '4 | >>>   all',
      '5 |     COPY . /',
      '6 |     RUN test',
    ]);
    assert.deepEqual(sourceExcerpt('FROM a\nRUN b', 2, 2), ['1 |     FROM a', '2 | >>> RUN b']);
    const terminal = screen();
    const message = '"RUN make" ended with status 2';
    printReport(terminal, { code: 'build-failed', message, details: ['make: no rule', 'Dockerfile:3', ...excerpt] });
    const lines = terminal.lines();
    assert.deepEqual([lines[0], lines[1], lines.at(-1)], ['  make: no rule', '  Dockerfile:3', `error: ${message}`]);
  });
});
