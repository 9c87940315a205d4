import {
  type Assembler,
  B,
  B_EQ,
  B_NE,
  JE,
  JMP,
  JNE,
  JS,
  little32,
  movz,
  NEAR_JMP,
  TBNZ_SIGN_X0,
} from './assembler.ts';

/**
 * Label `adopt`: waits until there is no child left, and goes on at `status` with that of the last one to end. A first child
 * that has done its work well has nothing to say, whenever it ends: what it started may have ended before.
 */
export function x86Adopt(code: Assembler): void {
  code.label('adopt');
  code.emit(0xc7, 0x04, 0x24, 0, 0, 0, 0); // mov dword [rsp], 0: the status to end with
  code.emit(0x50); // push rax: room for each one's
  code.label('next child');
  code.emit(0x48, 0x83, 0xcf, 0xff); // or rdi, -1
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0x45, 0x31, 0xd2); // xor r10d, r10d
  code.emit(0xb8, ...little32(61)); // mov eax, wait4
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x83, 0xf8, 0xf6); // cmp eax, -ECHILD
  code.jump('no child', JE);
  code.emit(0x85, 0xc0); // test eax, eax
  code.jump('next child', JS);
  code.emit(0x44, 0x39, 0xe8); // cmp eax, r13d
  code.jump('keep', JNE);
  code.emit(0x83, 0x3c, 0x24, 0); // cmp dword [rsp], 0
  code.jump('next child', JE);
  code.label('keep');
  code.emit(0x8b, 0x0c, 0x24); // mov ecx, [rsp]
  code.emit(0x89, 0x4c, 0x24, 8); // mov [rsp+8], ecx
  code.jump('next child', JMP);
  code.label('no child');
  code.emit(0x58); // pop rax
  code.jump('status', NEAR_JMP);
}

/** w21: the first child. See `x86Adopt()`. */
export function armAdopt(code: Assembler): void {
  const words = (...list: readonly number[]) => code.emit(...list.flatMap((word) => little32(word >>> 0)));
  const svc = 0xd4000001;
  code.label('adopt');
  words(0xb9000bff); // str wzr, [sp, #8]: the status to end with
  code.label('next child');
  words(0x92800000, 0x910003e1, movz(2, 0), movz(3, 0), movz(8, 260), svc); // wait4(-1, sp, 0, 0)
  words(0x3100281f); // cmn w0, #ECHILD
  code.jump('no child', B_EQ);
  code.jump('next child', TBNZ_SIGN_X0);
  words(0xb94003e9); // ldr w9, [sp]
  words(0x6b15001f); // cmp w0, w21
  code.jump('keep', B_NE);
  words(0x7100013f); // cmp w9, #0
  code.jump('next child', B_EQ);
  code.label('keep');
  words(0xb9000be9); // str w9, [sp, #8]
  code.jump('next child', B);
  code.label('no child');
  words(0xb9400be9, 0xb90003e9); // ldr w9, [sp, #8]; str w9, [sp]
  code.jump('status', B);
}
