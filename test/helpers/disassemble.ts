import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Architecture } from '../../src/runtime/launcher/syscalls.ts';

const MACHINES = { x86_64: ['-m', 'i386:x86-64'], aarch64: ['-m', 'aarch64'] } as const;

/** What is missing to disassemble for an architecture, or undefined. */
export function missingDisassembler(arch: Architecture): string | undefined {
  const { stdout } = spawnSync('objdump', ['--info'], { encoding: 'utf8' });
  const known = String(stdout ?? '').includes(arch === 'x86_64' ? 'elf64-x86-64' : 'elf64-littleaarch64');
  return known ? undefined : `objdump for ${arch} (package binutils-multiarch)`;
}

/** The instructions of machine code, one a line; where a jump leads to is `line N`, counted from 1. */
export function disassemble(arch: Architecture, code: Uint8Array): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'tsstack-objdump-'));
  try {
    const file = join(directory, 'code');
    writeFileSync(file, code);
    const argv = ['-D', '-b', 'binary', '--no-show-raw-insn', ...MACHINES[arch], file];
    const { status, stdout, stderr } = spawnSync('objdump', argv, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    const lines = [...stdout.matchAll(/^ *([0-9a-f]+):\t(.*)$/gm)].map(([, address = '', text = '']) => ({
      address: Number.parseInt(address, 16),
      // Without objdump's remarks.
      text: text
        .replace(/\s*\/\/.*$/, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    }));
    const numbers = new Map(lines.map(({ address }, index) => [address, index + 1]));
    return lines.map(({ text }) => {
      const [, jump, to] = /^((?:j|b|cb|tb)\S* (?:.*, )?)(?:0x)?([0-9a-f]+)(?: <.*>)?$/.exec(text) ?? [];
      if (jump === undefined || to === undefined) return text;
      const line = numbers.get(Number.parseInt(to, 16));
      return line === undefined ? text : `${jump}line ${line}`;
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
