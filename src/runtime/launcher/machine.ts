import type { Architecture } from './syscalls.ts';

/** What the machine code must know beside the table's address. */
export interface LoopOptions {
  /** Virtual address of the first table entry. Below 2^31. */
  readonly table: number;
  /** Descriptor that a failure is reported to. */
  readonly reportDescriptor: number;
}

/**
 * The loop over the table (layout of an entry: `table.ts`):
 * do the call; on an error that the entry does not tolerate write {u32 index, u32 errno} to the report descriptor and
 * exit; on a tolerated one skip as many entries as the entry says; after a fork the parent closes all but the standard
 * descriptors, waits, and exits as its child did (128 + signal), or it goes on after the calls that are the child's.
 */
export function loopCode(arch: Architecture, options: LoopOptions): Uint8Array {
  return arch === 'x86_64' ? x86Loop(options) : armLoop(options);
}

/** Code under construction with labels; jumps are filled in at the end. */
class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { at: number; label: string; patch: (from: number, to: number) => readonly number[] }[] = [];

  emit(...bytes: readonly number[]): void {
    this.#bytes.push(...bytes);
  }

  label(name: string): void {
    this.#labels.set(name, this.#bytes.length);
  }

  /** Bytes that depend on the distance to a label; `patch` is asked again when the label's place is known. */
  jump(label: string, patch: (from: number, to: number) => readonly number[]): void {
    this.#fixups.push({ at: this.#bytes.length, label, patch });
    this.#bytes.push(...patch(this.#bytes.length, this.#bytes.length));
  }

  finish(): Uint8Array {
    const code = Uint8Array.from(this.#bytes);
    for (const { at, label, patch } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`no label ${label}`);
      code.set(patch(at, target), at);
    }
    return code;
  }
}

function little32(value: number): readonly number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}

/** Opcode byte and an 8-bit distance: x86's short jumps. */
function short(opcode: number): (from: number, to: number) => readonly number[] {
  return (from, to) => {
    const distance = to - from - 2;
    if (distance < -128 || distance > 127) throw new Error('a short jump is too far');
    return [opcode, distance & 255];
  };
}

const JE = short(0x74);
const JNE = short(0x75);
const JS = short(0x78);
const JMP = short(0xeb);

/** rbx: entry, r12d: its index. */
function x86Loop({ table, reportDescriptor }: LoopOptions): Uint8Array {
  const code = new Assembler();
  code.emit(0x45, 0x31, 0xe4); // xor r12d, r12d
  code.emit(0xbb, ...little32(table)); // mov ebx, table
  code.label('loop');
  code.emit(0x8b, 0x03); // mov eax, [rbx]
  code.emit(0x48, 0x8b, 0x7b, 16); // mov rdi, [rbx+16]
  code.emit(0x48, 0x8b, 0x73, 24); // mov rsi, [rbx+24]
  code.emit(0x48, 0x8b, 0x53, 32); // mov rdx, [rbx+32]
  code.emit(0x4c, 0x8b, 0x53, 40); // mov r10, [rbx+40]
  code.emit(0x4c, 0x8b, 0x43, 48); // mov r8, [rbx+48]
  code.emit(0x4c, 0x8b, 0x4b, 56); // mov r9, [rbx+56]
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x48, 0x85, 0xc0); // test rax, rax
  code.jump('error', JS);
  code.jump('next', JE); // zero: neither a parent nor a new descriptor
  code.emit(0x80, 0x7b, 10, 0); // cmp byte [rbx+10], 0
  code.jump('parent', JNE);
  code.emit(0x0f, 0xb6, 0x4b, 11); // movzx ecx, byte [rbx+11]
  code.jump('skip', JMP);
  code.label('error');
  code.emit(0xf7, 0xd8); // neg eax
  for (const offset of [4, 5, 6]) {
    code.emit(0x0f, 0xb6, 0x4b, offset); // movzx ecx, byte [rbx+offset]
    code.emit(0x39, 0xc8); // cmp eax, ecx
    code.jump('tolerated', JE);
  }
  code.jump('fail', JMP);
  code.label('tolerated');
  code.emit(0x0f, 0xb6, 0x4b, 7); // movzx ecx, byte [rbx+7]
  code.label('skip');
  code.emit(0x41, 0x01, 0xcc); // add r12d, ecx
  code.emit(0xc1, 0xe1, 6); // shl ecx, 6
  code.emit(0x48, 0x01, 0xcb); // add rbx, rcx
  code.label('next');
  code.emit(0x48, 0x83, 0xc3, 64); // add rbx, 64
  code.emit(0x41, 0xff, 0xc4); // inc r12d
  code.jump('loop', JMP);
  x86Failure(code, reportDescriptor);
  x86Parent(code);
  return code.finish();
}

function x86Failure(code: Assembler, reportDescriptor: number): void {
  code.label('fail');
  code.emit(0x89, 0xc5); // mov ebp, eax
  code.emit(0x48, 0xc1, 0xe0, 32); // shl rax, 32
  code.emit(0x4c, 0x09, 0xe0); // or rax, r12
  code.emit(0x50); // push rax
  code.emit(0xbf, ...little32(reportDescriptor)); // mov edi, report
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0xba, ...little32(8)); // mov edx, 8
  code.emit(0xb8, ...little32(1)); // mov eax, write
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x0f, 0xb6, 0x7b, 8); // movzx edi, byte [rbx+8]
  code.emit(0x83, 0xfd, 2); // cmp ebp, ENOENT
  code.jump('exit', JNE);
  code.emit(0x0f, 0xb6, 0x7b, 9); // movzx edi, byte [rbx+9]
  code.label('exit');
  code.emit(0xb8, ...little32(231)); // mov eax, exit_group
  code.emit(0x0f, 0x05); // syscall
}

function x86Parent(code: Assembler): void {
  code.label('parent');
  code.emit(0xbf, ...little32(3)); // mov edi, 3
  code.emit(0x83, 0xce, 0xff); // or esi, -1
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0xb8, ...little32(436)); // mov eax, close_range
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x50); // push rax: room for the status
  code.emit(0x48, 0x83, 0xcf, 0xff); // or rdi, -1
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0x45, 0x31, 0xd2); // xor r10d, r10d
  code.emit(0xb8, ...little32(61)); // mov eax, wait4
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x58); // pop rax
  code.emit(0x89, 0xc7); // mov edi, eax
  code.emit(0x83, 0xe7, 0x7f); // and edi, 127
  code.jump('exited', JE);
  code.emit(0x81, 0xc7, ...little32(128)); // add edi, 128
  code.jump('exit', JMP);
  code.label('exited');
  code.emit(0x0f, 0xb6, 0xfc); // movzx edi, ah
  code.jump('exit', JMP);
}

/** A64 branch with its distance, in instructions, at bit 0 (`b`) or bit 5 (the others). */
function branch(word: number, bits: number, shift: number): (from: number, to: number) => readonly number[] {
  return (from, to) => little32((word | ((((to - from) / 4) & (2 ** bits - 1)) << shift)) >>> 0);
}

const B = branch(0x14000000, 26, 0);
const B_EQ = branch(0x54000000, 19, 5);
const B_NE = branch(0x54000001, 19, 5);
const CBNZ_W10 = branch(0x3500000a, 19, 5);
const CBZ_X0 = branch(0xb4000000, 19, 5);
/** tbnz x0, #63 */
const TBNZ_SIGN_X0 = branch(0xb7f80000, 14, 5);

function movz(register: number, value: number): number {
  return 0xd2800000 | (value << 5) | register;
}

function ldrbW10(offset: number): number {
  return 0x39400000 | (offset << 10) | (19 << 5) | 10;
}

/** x19: entry, w20: its index. */
function armLoop({ table, reportDescriptor }: LoopOptions): Uint8Array {
  const code = new Assembler();
  const words = (...list: readonly number[]) => code.emit(...list.flatMap((word) => little32(word >>> 0)));
  const svc = 0xd4000001;
  words(movz(20, 0)); // mov x20, #0
  words(movz(19, table & 0xffff), 0xf2a00000 | ((table >>> 16) << 5) | 19); // movz, movk x19, table
  code.label('loop');
  words(0xb9400268); // ldr w8, [x19]
  words(0xa9410660); // ldp x0, x1, [x19, #16]
  words(0xa9420e62); // ldp x2, x3, [x19, #32]
  words(0xa9431664); // ldp x4, x5, [x19, #48]
  words(svc);
  code.jump('error', TBNZ_SIGN_X0);
  code.jump('next', CBZ_X0);
  words(ldrbW10(10));
  code.jump('parent', CBNZ_W10);
  words(ldrbW10(11));
  code.jump('skip', B);
  code.label('error');
  words(0x4b0003e9); // neg w9, w0
  for (const offset of [4, 5, 6]) {
    words(ldrbW10(offset), 0x6b0a013f); // cmp w9, w10
    code.jump('tolerated', B_EQ);
  }
  code.jump('fail', B);
  code.label('tolerated');
  words(ldrbW10(7));
  code.label('skip');
  words(0x0b0a0294); // add w20, w20, w10
  words(0x8b0a1a73); // add x19, x19, x10, lsl #6
  code.label('next');
  words(0x91010273); // add x19, x19, #64
  words(0x11000694); // add w20, w20, #1
  code.jump('loop', B);
  code.label('fail');
  words(0x29be27f4); // stp w20, w9, [sp, #-16]!
  words(movz(0, reportDescriptor), 0x910003e1, movz(2, 8), movz(8, 64), svc); // write(report, sp, 8)
  words(0x39402260); // ldrb w0, [x19, #8]
  words(0x7100093f); // cmp w9, #ENOENT
  code.jump('exit', B_NE);
  words(0x39402660); // ldrb w0, [x19, #9]
  code.label('exit');
  words(movz(8, 94), svc); // exit_group
  armParent(code, words);
  return code.finish();
}

function armParent(code: Assembler, words: (...list: readonly number[]) => void): void {
  const svc = 0xd4000001;
  code.label('parent');
  words(movz(0, 3), 0x92800001, movz(2, 0), movz(8, 436), svc); // close_range(3, -1, 0)
  words(0xd10043ff); // sub sp, sp, #16
  words(0x92800000, 0x910003e1, movz(2, 0), movz(3, 0), movz(8, 260), svc); // wait4(-1, sp, 0, 0)
  words(0xb94003e9); // ldr w9, [sp]
  words(0x1200192a); // and w10, w9, #127
  words(0x11020140); // add w0, w10, #128
  code.jump('exit', CBNZ_W10);
  words(0x53083d20); // ubfx w0, w9, #8, #8
  code.jump('exit', B);
}
