import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Diagnostics } from '../../src/spec/diagnose.ts';
import { type ListedVariable, variablesOf } from '../../src/spec/list-variables.ts';
import type { SpecNode } from '../../src/spec/node.ts';
import { parseYaml } from '../../src/spec/parse.ts';

function parse(text: string, index = 0): SpecNode {
  const tree = parseYaml({ path: `${index}.yaml`, text, index }, new Diagnostics());
  if (tree === undefined || tree === 'broken') throw new Error('the text cannot be parsed');
  return tree;
}

/** `NAME`, with `!` when it is required, `-default` and `+alternate` where they are written. */
function listed(...texts: string[]): readonly string[] {
  const shown = ({ name, required, defaultValue, alternateValue }: ListedVariable): string =>
    `${name}${required ? '!' : ''}${defaultValue && `-${defaultValue}`}${alternateValue && `+${alternateValue}`}`;
  return variablesOf(texts.map(parse)).map(shown);
}

describe('variablesOf()', () => {
  it('knows every form, sorted by name', () => {
    const text = 'a: "${Z} $Y/${X:-x}:${W-w y}" \nb: ["${V:?no v}", {c: "${U?}"}, "${T:+t}${S+s}"]';
    assert.deepEqual(listed(text), ['S+s', 'T+t', 'U!', 'V!', 'W-w y', 'X-x', 'Y', 'Z']);
  });

  it('finds what stands inside defaults, alternates and messages', () => {
    assert.deepEqual(listed('a: "${A:-${B-${C:?$D}}} ${E:+$F}"'), [
      'A-${B-${C:?$D}}',
      'B-${C:?$D}',
      'C!',
      'D',
      'E+$F',
      'F',
    ]);
  });

  it('keeps what each use of a variable says, over several files', () => {
    assert.deepEqual(listed('a: "$A"\nb: "${A:-one}"', 'c: "${A:?}"\nd: "${A-two}${A+three}"\ne: "$A"'), [
      'A!-one+three',
    ]);
  });

  it('leaves alone what is no variable: escaped dollars, keys, numbers, lone dollars', () => {
    assert.deepEqual(listed('"$KEY": "$$A $${B} $(C) $1 $"\nb: 1\nc:\nd: "$$$E"'), ['E']);
  });

  it('lists what comes before a malformed variable, and other values', () => {
    assert.deepEqual(listed('a: "$A ${B $C"\nb: "${D!} $E"\nc: $F'), ['A', 'F']);
  });
});
