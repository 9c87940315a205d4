; The machine code of every launcher for aarch64, as it is meant: the table is at 0x400100, failures are told to descriptor 5.
; Written for people; the test disassembles what is generated and compares.

  mov x20, #0x0                     ; index of the call
  mov x19, #0x100                   ; the table
  movk x19, #0x40, lsl #16

; one call of the table: number, six arguments
loop:
  ldr w8, [x19]
  ldp x0, x1, [x19, #16]
  ldp x2, x3, [x19, #32]
  ldp x4, x5, [x19, #48]
  svc #0x0                          ; the call
  tbnz x0, #63, error               ; failed
  cbz x0, next                      ; gave 0: not the parent of a fork, no new descriptor
  ldrb w10, [x19, #10]              ; fork
  cbnz w10, parent
  ldrb w10, [x19, #11]              ; skip in the parent
  b skip

; an errno: is it one of the three that the entry tolerates?
error:
  neg w9, w0
  ldrb w10, [x19, #4]
  cmp w9, w10
  b.eq tolerated
  ldrb w10, [x19, #5]
  cmp w9, w10
  b.eq tolerated
  ldrb w10, [x19, #6]
  cmp w9, w10
  b.eq tolerated
  b fail

; leave out as many calls as the entry says
tolerated:
  ldrb w10, [x19, #7]

; the entry after those, and its index
skip:
  add w20, w20, w10
  add x19, x19, x10, lsl #6         ; 64 bytes each

; the entry after this one
next:
  add x19, x19, #0x40
  add w20, w20, #0x1
  b loop

; tell {index, errno}; end with the status of the entry, or that for ENOENT
fail:
  stp w20, w9, [sp, #-16]!
  mov x0, #0x5
  mov x1, sp
  mov x2, #0x8                      ; 8 bytes
  mov x8, #0x40                     ; write
  svc #0x0
  ldrb w0, [x19, #8]
  cmp w9, #0x2                      ; ENOENT
  b.ne exit
  ldrb w0, [x19, #9]

; exit_group; where a filter refuses even that, a signal
exit:
  mov x8, #0x5e                     ; exit_group
  svc #0x0
  udf #0

; nothing stays open but the standard descriptors; wait for the child
parent:
  mov w21, w0                       ; the child
  mov x0, #0x3
  mov x1, #0xffffffffffffffff       ; 3 to the last
  mov x2, #0x0
  mov x8, #0x1b4                    ; close_range
  svc #0x0
  sub sp, sp, #0x20
  mov x9, #0xffffffffffffffff       ; all signals
  str x9, [sp, #16]
  ldrb w10, [x19, #10]
  cmp w10, #0x2                     ; an init
  b.eq reap
  cmp w10, #0x3                     ; who adopts
  b.eq adopt
  mov x0, #0xffffffffffffffff       ; any child
  mov x1, sp
  mov x2, #0x0
  mov x3, #0x0
  mov x8, #0x104                    ; wait4
  svc #0x0

; end as the child did: its status, or 128 + signal
status:
  ldr w9, [sp]
  and w10, w9, #0x7f
  add w0, w10, #0x80
  cbnz w10, exit
  ubfx w0, w9, #8, #8
  b exit

; an init: whoever has ended; the child is the end
reap:
  mov x0, #0xffffffffffffffff
  mov x1, sp
  mov x2, #0x1                      ; WNOHANG
  mov x3, #0x0
  mov x8, #0x104                    ; wait4
  svc #0x0
  cmp w0, w21
  b.eq status
  cmp w0, #0x0
  b.gt reap

; the next signal: reap on SIGCHLD, else to the child
take:
  add x0, sp, #0x10                 ; all signals
  mov x1, #0x0
  mov x2, #0x0
  mov x3, #0x8
  mov x8, #0x89                     ; rt_sigtimedwait
  svc #0x0
  cmp w0, #0x11                     ; SIGCHLD
  b.eq reap
  cmn w0, #0x4                      ; EINTR
  b.eq take
  tbnz x0, #63, refused
  mov w1, w0
  mov w0, w21
  mov x8, #0x81                     ; kill
  svc #0x0
  b take

; no signal can be taken: say so on standard error, end with 125
refused:
  sub sp, sp, #0x30
  mov x9, #0x6e69                   ; "init: rt_sigtimedwait(2) is not allowed\n", its first 8 bytes first
  movk x9, #0x7469, lsl #16
  movk x9, #0x203a, lsl #32
  movk x9, #0x7472, lsl #48
  str x9, [sp]
  mov x9, #0x735f
  movk x9, #0x6769, lsl #16
  movk x9, #0x6974, lsl #32
  movk x9, #0x656d, lsl #48
  str x9, [sp, #8]
  mov x9, #0x7764
  movk x9, #0x6961, lsl #16
  movk x9, #0x2874, lsl #32
  movk x9, #0x2932, lsl #48
  str x9, [sp, #16]
  mov x9, #0x6920
  movk x9, #0x2073, lsl #16
  movk x9, #0x6f6e, lsl #32
  movk x9, #0x2074, lsl #48
  str x9, [sp, #24]
  mov x9, #0x6c61
  movk x9, #0x6f6c, lsl #16
  movk x9, #0x6577, lsl #32
  movk x9, #0xa64, lsl #48
  str x9, [sp, #32]
  mov x0, #0x2
  mov x1, sp
  mov x2, #0x28                     ; 40 bytes
  mov x8, #0x40                     ; write
  svc #0x0
  mov x0, #0x7d                     ; 125
  mov x8, #0x5e                     ; exit_group
  svc #0x0
  udf #0

; whoever is left, adopted ones too, until there is none
adopt:
  str wzr, [sp, #8]                 ; the status to end with

child:
  mov x0, #0xffffffffffffffff       ; any child
  mov x1, sp
  mov x2, #0x0
  mov x3, #0x0
  mov x8, #0x104                    ; wait4
  svc #0x0
  cmn w0, #0xa                      ; ECHILD
  b.eq childless
  tbnz x0, #63, child
  ldr w9, [sp]
  cmp w0, w21                       ; the first child, which counts when it has failed only
  b.ne keep
  cmp w9, #0x0
  b.eq child

keep:
  str w9, [sp, #8]
  b child

; end as the last one did
childless:
  ldr w9, [sp, #8]
  str w9, [sp]
  b status
