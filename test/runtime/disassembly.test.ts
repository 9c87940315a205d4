import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { loopCode } from '../../src/runtime/launcher/machine.ts';
import { disassemble, missingDisassembler } from '../helpers/disassemble.ts';

/** Instructions of golden/launcher.ARCH.s, jumps to labels as jumps to lines. */
function meant(arch: string): readonly string[] {
  const text = readFileSync(new URL(`golden/launcher.${arch}.s`, import.meta.url), 'utf8');
  const labels = new Map<string, number>();
  const lines: string[] = [];
  for (const line of text.split('\n').map((each) => each.replace(/;.*$/, '').trim())) {
    const [, label] = /^(\w+):$/.exec(line) ?? [];
    if (label !== undefined) labels.set(label, lines.length + 1);
    else if (line !== '') lines.push(line);
  }
  return lines.map((line) => {
    const [, jump, label = ''] = /^(.*[ ,])([a-z]+)$/.exec(line) ?? [];
    const to = labels.get(label);
    return jump === undefined || to === undefined ? line : `${jump}line ${to}`;
  });
}

for (const arch of ['x86_64', 'aarch64'] as const) {
  const missing = missingDisassembler(arch);
  describe(`machine code for ${arch}`, { skip: missing === undefined ? false : `no ${missing}` }, () => {
    const code = loopCode(arch, { table: 0x400100, reportDescriptor: 5 });

    test('is, disassembled, what golden/launcher says, instruction by instruction', () => {
      assert.deepEqual(disassemble(arch, code), meant(arch));
    });

    test('depends on the place of the table and the descriptor for failures only', () => {
      const other = disassemble(arch, loopCode(arch, { table: 0x41fff8, reportDescriptor: 3 }));
      const differing = disassemble(arch, code).flatMap((line, index) => {
        const there = other[index];
        return there === line ? [] : [`${line} | ${there}`];
      });
      const expected = {
        x86_64: ['mov $0x400100,%ebx | mov $0x41fff8,%ebx', 'mov $0x5,%edi | mov $0x3,%edi'],
        aarch64: [
          'mov x19, #0x100 | mov x19, #0xfff8',
          'movk x19, #0x40, lsl #16 | movk x19, #0x41, lsl #16',
          'mov x0, #0x5 | mov x0, #0x3',
        ],
      };
      assert.deepEqual(differing, expected[arch]);
      assert.equal(other.length, meant(arch).length);
    });

    test('makes no system call but those of the table and six of its own', () => {
      const lines = disassemble(arch, code);
      const call = arch === 'x86_64' ? 'syscall' : 'svc #0x0';
      const number = arch === 'x86_64' ? /^mov \$(0x[0-9a-f]+),%eax$/ : /^mov x8, #(0x[0-9a-f]+)$/;
      const numbers = lines.flatMap((line, index) => {
        if (line !== call) return [];
        const before = lines.slice(0, index).findLast((each) => /,%eax$|^(mov x|ldr w)8,/.test(each)) ?? '';
        return [Number(number.exec(before)?.[1] ?? -1)];
      });
      // The table's; write, exit_group, close_range, wait4, wait4, rt_sigtimedwait, kill, write, exit_group, wait4.
      const own = {
        x86_64: [1, 231, 436, 61, 61, 128, 62, 1, 231, 61],
        aarch64: [64, 94, 436, 260, 260, 137, 129, 64, 94, 260],
      };
      assert.deepEqual(numbers, [-1, ...own[arch]]);
    });
  });
}
