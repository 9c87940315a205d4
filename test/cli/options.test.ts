import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { flag, joinValues, list, parseOptions, value } from '../../src/cli/options.ts';

const OPTIONS = {
  follow: flag('f', ''),
  tty: flag('t', ''),
  tail: value('n', 'N', ''),
  env: list('e', 'KEY=VALUE', ''),
};

const parse = (words: string, stop = false) => parseOptions(OPTIONS, words.split(' '), stop);

describe('parseOptions()', () => {
  it('reads short options, alone and together, with values attached or behind', () => {
    for (const words of [
      '-ft -n 5',
      '-f -t -n5',
      '-ftn5',
      '-tfn=5',
      '--follow --tty --tail=5',
      '--tail 5 --tty --follow',
    ]) {
      const { values } = parse(words);
      assert.deepEqual([values['follow'], values['tty'], values['tail']], [true, true, '5'], words);
    }
  });

  it('collects lists and keeps the last of a single value', () => {
    const { values } = parse('-e A=1 --env B=2 --env=C=3 -n 1 -n 2');
    assert.deepEqual(values['env'], ['A=1', 'B=2', 'C=3']);
    assert.equal(values['tail'], '2');
  });

  it('finds options between operands, and none behind --', () => {
    const { values, operands } = parse('web -f api -- -t -');
    assert.deepEqual(operands, ['web', 'api', '-t', '-']);
    assert.deepEqual([values['follow'], values['tty']], [true, false]);
  });

  it('leaves alone what follows the first operand, where a program is named', () => {
    const { values, operands } = parse('-t web ls -f --tail 3 -- x', true);
    assert.deepEqual(operands, ['web', 'ls', '-f', '--tail', '3', '--', 'x']);
    assert.deepEqual([values['tty'], values['follow'], values['tail']], [true, false, undefined]);
  });

  it('takes the next word as value, whatever it looks like', () => {
    assert.equal(parse('-n -f').values['tail'], '-f');
  });

  it('reads flags with a truth value', () => {
    assert.equal(parse('--follow=false').values['follow'], false);
    assert.throws(() => parse('--follow=5'), { code: 'usage', message: 'Option --follow takes no value, got "5"' });
  });

  it('says what an unknown option was meant to be', () => {
    assert.throws(() => parse('--tial 3'), { message: 'Unknown option --tial', hint: 'Did you mean --tail?' });
    assert.throws(() => parse('--constructor'), { message: 'Unknown option --constructor' });
    assert.throws(() => parse('-fx'), { message: 'Unknown option -x' });
    assert.throws(() => parse('--tail'), { message: 'Option --tail needs a value: N' });
  });
});

describe('joinValues()', () => {
  it('appends lists, and lets the later value count', () => {
    const before = parse('-e A -n 1 -f').values;
    const after = parse('-e B -n 2').values;
    assert.deepEqual(joinValues(before, after), { follow: true, tty: false, tail: '2', env: ['A', 'B'] });
    assert.equal(joinValues(before, parse('-t').values)['tail'], '1');
  });
});
