import { armAdopt, x86Adopt } from './adopt.ts';
import {
  Assembler,
  B,
  B_EQ,
  B_GT,
  B_NE,
  CBNZ_W10,
  CBZ_X0,
  JE,
  JG,
  JMP,
  JNE,
  JS,
  ldrbW10,
  little32,
  movz,
  NEAR_JE,
  TBNZ_SIGN_X0,
} from './assembler.ts';
import { armRefusal, x86Refusal } from './refusal.ts';
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
 * descriptors, waits, and exits as its child did (128 + signal), or it goes on after the calls that are the child's. As an init it
 * does the same while it reaps all that end and passes on every signal that it takes: they must be blocked. Or it ends with
 * the last of its children, adopted ones included (`adopt.ts`).
 */
export function loopCode(arch: Architecture, options: LoopOptions): Uint8Array {
  return arch === 'x86_64' ? x86Loop(options) : armLoop(options);
}

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
  x86Init(code);
  x86Adopt(code);
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
  // A seccomp profile may refuse even that: end by a signal then, instead of running on into what follows.
  code.emit(0x0f, 0x0b); // ud2
}

function x86Parent(code: Assembler): void {
  code.label('parent');
  code.emit(0x41, 0x89, 0xc5); // mov r13d, eax
  code.emit(0xbf, ...little32(3)); // mov edi, 3
  code.emit(0x83, 0xce, 0xff); // or esi, -1
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0xb8, ...little32(436)); // mov eax, close_range
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x50); // push rax: room for the status, or a set of all signals
  code.emit(0x80, 0x7b, 10, 2); // cmp byte [rbx+10], 2
  code.jump('init', JE);
  code.emit(0x80, 0x7b, 10, 3); // cmp byte [rbx+10], 3
  code.jump('adopt', NEAR_JE);
  code.emit(0x48, 0x83, 0xcf, 0xff); // or rdi, -1
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0x45, 0x31, 0xd2); // xor r10d, r10d
  code.emit(0xb8, ...little32(61)); // mov eax, wait4
  code.emit(0x0f, 0x05); // syscall
  code.label('status');
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

/** r13d: the child. Every signal is blocked and waits until it is taken here, so none is lost. */
function x86Init(code: Assembler): void {
  code.label('init');
  code.label('reap');
  code.emit(0x48, 0x83, 0xcf, 0xff); // or rdi, -1
  code.emit(0x48, 0x89, 0xe6); // mov rsi, rsp
  code.emit(0xba, ...little32(1)); // mov edx, WNOHANG
  code.emit(0x45, 0x31, 0xd2); // xor r10d, r10d
  code.emit(0xb8, ...little32(61)); // mov eax, wait4
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x44, 0x39, 0xe8); // cmp eax, r13d
  code.jump('status', JE);
  code.emit(0x85, 0xc0); // test eax, eax
  code.jump('reap', JG);
  code.label('take');
  code.emit(0x6a, 0xff); // push -1: all signals
  code.emit(0x48, 0x89, 0xe7); // mov rdi, rsp
  code.emit(0x31, 0xf6); // xor esi, esi
  code.emit(0x31, 0xd2); // xor edx, edx
  code.emit(0x41, 0xba, ...little32(8)); // mov r10d, 8
  code.emit(0xb8, ...little32(128)); // mov eax, rt_sigtimedwait
  code.emit(0x0f, 0x05); // syscall
  code.emit(0x59); // pop rcx
  code.emit(0x83, 0xf8, 17); // cmp eax, SIGCHLD
  code.jump('reap', JE);
  code.emit(0x83, 0xf8, 0xfc); // cmp eax, -EINTR
  code.jump('take', JE); // interrupted, by a debugger or a stop
  code.emit(0x85, 0xc0); // test eax, eax
  code.jump('refused', JS);
  code.emit(0x89, 0xc6); // mov esi, eax
  code.emit(0x44, 0x89, 0xef); // mov edi, r13d
  code.emit(0xb8, ...little32(62)); // mov eax, kill
  code.emit(0x0f, 0x05); // syscall
  code.jump('take', JMP);
  x86Refusal(code);
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
  words(movz(8, 94), svc, 0); // exit_group; udf #0: where that is refused
  armParent(code, words);
  armInit(code, words);
  armAdopt(code);
  return code.finish();
}

function armParent(code: Assembler, words: (...list: readonly number[]) => void): void {
  const svc = 0xd4000001;
  code.label('parent');
  words(0x2a0003f5); // mov w21, w0
  words(movz(0, 3), 0x92800001, movz(2, 0), movz(8, 436), svc); // close_range(3, -1, 0)
  words(0xd10083ff); // sub sp, sp, #32
  words(0x92800009, 0xf9000be9); // mov x9, #-1; str x9, [sp, #16]: all signals
  words(ldrbW10(10), 0x7100095f); // cmp w10, #2
  code.jump('init', B_EQ);
  words(0x71000d5f); // cmp w10, #3
  code.jump('adopt', B_EQ);
  words(0x92800000, 0x910003e1, movz(2, 0), movz(3, 0), movz(8, 260), svc); // wait4(-1, sp, 0, 0)
  code.label('status');
  words(0xb94003e9); // ldr w9, [sp]
  words(0x1200192a); // and w10, w9, #127
  words(0x11020140); // add w0, w10, #128
  code.jump('exit', CBNZ_W10);
  words(0x53083d20); // ubfx w0, w9, #8, #8
  code.jump('exit', B);
}

/** w21: the child. See `x86Init()`. */
function armInit(code: Assembler, words: (...list: readonly number[]) => void): void {
  const svc = 0xd4000001;
  code.label('init');
  code.label('reap');
  words(0x92800000, 0x910003e1, movz(2, 1), movz(3, 0), movz(8, 260), svc); // wait4(-1, sp, WNOHANG, 0)
  words(0x6b15001f); // cmp w0, w21
  code.jump('status', B_EQ);
  words(0x7100001f); // cmp w0, #0
  code.jump('reap', B_GT);
  code.label('take');
  words(0x910043e0, movz(1, 0), movz(2, 0), movz(3, 8), movz(8, 137), svc); // rt_sigtimedwait(sp + 16, 0, 0, 8)
  words(0x7100441f); // cmp w0, #SIGCHLD
  code.jump('reap', B_EQ);
  words(0x3100101f); // cmn w0, #EINTR
  code.jump('take', B_EQ); // interrupted, by a debugger or a stop
  code.jump('refused', TBNZ_SIGN_X0);
  words(0x2a0003e1, 0x2a1503e0, movz(8, 129), svc); // mov w1, w0; mov w0, w21; kill
  code.jump('take', B);
  armRefusal(code, words);
}
