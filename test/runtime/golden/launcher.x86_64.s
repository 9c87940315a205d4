; The machine code of every launcher for x86_64, as it is meant: the table is at 0x400100, failures are told to descriptor 5.
; Written for people; the test disassembles what is generated and compares.

  xor %r12d,%r12d                   ; index of the call
  mov $0x400100,%ebx                ; the table

; one call of the table: number, six arguments
loop:
  mov (%rbx),%eax
  mov 0x10(%rbx),%rdi
  mov 0x18(%rbx),%rsi
  mov 0x20(%rbx),%rdx
  mov 0x28(%rbx),%r10
  mov 0x30(%rbx),%r8
  mov 0x38(%rbx),%r9
  syscall                           ; the call
  test %rax,%rax
  js error                          ; failed
  je next                           ; gave 0: not the parent of a fork, no new descriptor
  cmpb $0x0,0xa(%rbx)               ; fork
  jne parent
  movzbl 0xb(%rbx),%ecx             ; skip in the parent
  jmp skip

; an errno: is it one of the three that the entry tolerates?
error:
  neg %eax
  movzbl 0x4(%rbx),%ecx
  cmp %ecx,%eax
  je tolerated
  movzbl 0x5(%rbx),%ecx
  cmp %ecx,%eax
  je tolerated
  movzbl 0x6(%rbx),%ecx
  cmp %ecx,%eax
  je tolerated
  jmp fail

; leave out as many calls as the entry says
tolerated:
  movzbl 0x7(%rbx),%ecx

; the entry after those, and its index
skip:
  add %ecx,%r12d
  shl $0x6,%ecx                     ; 64 bytes each
  add %rcx,%rbx

; the entry after this one
next:
  add $0x40,%rbx
  inc %r12d
  jmp loop

; tell {index, errno}; end with the status of the entry, or that for ENOENT
fail:
  mov %eax,%ebp
  shl $0x20,%rax
  or %r12,%rax
  push %rax
  mov $0x5,%edi
  mov %rsp,%rsi
  mov $0x8,%edx                     ; 8 bytes
  mov $0x1,%eax                     ; write
  syscall
  movzbl 0x8(%rbx),%edi
  cmp $0x2,%ebp                     ; ENOENT
  jne exit
  movzbl 0x9(%rbx),%edi

; exit_group; where a filter refuses even that, a signal
exit:
  mov $0xe7,%eax                    ; exit_group
  syscall
  ud2

; nothing stays open but the standard descriptors; wait for the child
parent:
  mov %eax,%r13d                    ; the child
  mov $0x3,%edi
  or $0xffffffff,%esi               ; 3 to the last
  xor %edx,%edx
  mov $0x1b4,%eax                   ; close_range
  syscall
  push %rax
  cmpb $0x2,0xa(%rbx)               ; an init
  je reap
  cmpb $0x3,0xa(%rbx)               ; who adopts
  je adopt
  or $0xffffffffffffffff,%rdi       ; any child
  mov %rsp,%rsi
  xor %edx,%edx
  xor %r10d,%r10d
  mov $0x3d,%eax                    ; wait4
  syscall

; end as the child did: its status, or 128 + signal
status:
  pop %rax
  mov %eax,%edi
  and $0x7f,%edi
  je exited
  add $0x80,%edi
  jmp exit

; by itself
exited:
  movzbl %ah,%edi
  jmp exit

; an init: whoever has ended; the child is the end
reap:
  or $0xffffffffffffffff,%rdi
  mov %rsp,%rsi
  mov $0x1,%edx                     ; WNOHANG
  xor %r10d,%r10d
  mov $0x3d,%eax                    ; wait4
  syscall
  cmp %r13d,%eax
  je status
  test %eax,%eax
  jg reap

; the next signal: reap on SIGCHLD, else to the child
take:
  push $0xffffffffffffffff          ; all signals
  mov %rsp,%rdi
  xor %esi,%esi
  xor %edx,%edx
  mov $0x8,%r10d
  mov $0x80,%eax                    ; rt_sigtimedwait
  syscall
  pop %rcx
  cmp $0x11,%eax                    ; SIGCHLD
  je reap
  cmp $0xfffffffc,%eax              ; EINTR
  je take
  test %eax,%eax
  js refused
  mov %eax,%esi
  mov %r13d,%edi
  mov $0x3e,%eax                    ; kill
  syscall
  jmp take

; no signal can be taken: say so on standard error, end with 125
refused:
  movabs $0xa6465776f6c6c61,%rax    ; "init: rt_sigtimedwait(2) is not allowed\n", its last 8 bytes first
  push %rax
  movabs $0x20746f6e20736920,%rax
  push %rax
  movabs $0x2932287469617764,%rax
  push %rax
  movabs $0x656d69746769735f,%rax
  push %rax
  movabs $0x7472203a74696e69,%rax
  push %rax
  mov $0x2,%edi
  mov %rsp,%rsi
  mov $0x28,%edx                    ; 40 bytes
  mov $0x1,%eax                     ; write
  syscall
  mov $0x7d,%edi                    ; 125
  mov $0xe7,%eax                    ; exit_group
  syscall
  ud2

; whoever is left, adopted ones too, until there is none
adopt:
  movl $0x0,(%rsp)                  ; the status to end with
  push %rax                         ; room for each one's

child:
  or $0xffffffffffffffff,%rdi       ; any child
  mov %rsp,%rsi
  xor %edx,%edx
  xor %r10d,%r10d
  mov $0x3d,%eax                    ; wait4
  syscall
  cmp $0xfffffff6,%eax              ; ECHILD
  je childless
  test %eax,%eax
  js child
  cmp %r13d,%eax                    ; the first child, which counts when it has failed only
  jne keep
  cmpl $0x0,(%rsp)
  je child

keep:
  mov (%rsp),%ecx
  mov %ecx,0x8(%rsp)
  jmp child

; end as the last one did
childless:
  pop %rax
  jmp status
