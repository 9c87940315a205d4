import { type Assembler, little32, movz } from './assembler.ts';

/** What an init says that a seccomp profile lets take no signals: it would turn without end. Whole words of 8 bytes. */
const TEXT = 'init: rt_sigtimedwait(2) is not allowed\n';
const STATUS = 125;

/** Label `refused`: writes the text to standard error and exits. */
export function x86Refusal(code: Assembler): void {
  code.label('refused');
  for (const chunk of chunks().toReversed()) code.emit(0x48, 0xb8, ...chunk, 0x50); // mov rax, chunk; push rax
  code.emit(0xbf, ...little32(2)); // mov edi, standard error
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0xba, ...little32(TEXT.length)); // mov edx, length
  code.emit(0xb8, ...little32(1)); // mov eax, write
  code.emit(0x0f, 0x05); // syscall
  code.emit(0xbf, ...little32(STATUS)); // mov edi, status
  code.emit(0xb8, ...little32(231)); // mov eax, exit_group
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x0f, 0x0b); // ud2
}

/** The same for A64. */
export function armRefusal(code: Assembler, words: (...list: readonly number[]) => void): void {
  const svc = 0xd4000001;
  code.label('refused');
  words(0xd100c3ff); // sub sp, sp, #48
  for (const [index, chunk] of chunks().entries()) {
    for (let half = 0; half < 4; half += 1) {
      const value = (chunk[2 * half] ?? 0) | ((chunk[2 * half + 1] ?? 0) << 8);
      words((half === 0 ? 0xd2800000 : 0xf2800000) | (half << 21) | (value << 5) | 9); // movz, movk x9, value, lsl
    }
    words(0xf90003e9 | (index << 10)); // str x9, [sp, #8 * index]
  }
  words(movz(0, 2), 0x910003e1, movz(2, TEXT.length), movz(8, 64), svc); // write(2, sp, length)
  words(movz(0, STATUS), movz(8, 94), svc, 0); // exit_group; udf #0
}

function chunks(): readonly (readonly number[])[] {
  const bytes = [...Buffer.from(TEXT)];
  return Array.from({ length: bytes.length / 8 }, (_, index) => bytes.slice(8 * index, 8 * index + 8));
}
