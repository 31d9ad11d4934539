# The ways into the kernel and back to a task.
#
# Each task has a context: a block of saved registers. The TSS's RSP0 always holds the *end* of the running task's
# context, so the CPU itself pushes an interrupt's frame into it, and a system call finds it with one load. There is no
# swapgs: what belongs to a CPU (the TSS, the stack) is at the same address on every CPU, mapped to different memory.
# So there is no moment at which the kernel runs with a user's GS base, and tasks may do with theirs what they want.
#
# The kernel runs with interrupts off. The only place where they are on is the idle loop, which has no state: an
# interrupt there starts on an empty stack.
#
# Layout of a context, as offsets from its end (context.rs has the same as a structure):
.set AT_SS, -8
.set AT_RSP, -16
.set AT_RFLAGS, -24
.set AT_CS, -32
.set AT_RIP, -40
.set AT_ERROR, -48
.set AT_KIND, -56                  # the vector of the interrupt, or one of the next two
.set AT_RAX, -64
.set AT_RBX, -72
.set AT_RCX, -80
.set AT_RDX, -88
.set AT_RSI, -96
.set AT_RDI, -104
.set AT_RBP, -112
.set AT_R12, -152
.set AT_R13, -160
.set AT_R14, -168
.set AT_R15, -176
.set KIND_SYSCALL, 0x100
.set KIND_IDLE, 0x101

.section .text.entry, "ax"

# System call. The caller's caller-saved registers are lost by convention, and the callee-saved ones still hold when the
# Rust code returns: they are stored only if another task runs next.
.balign 64
.global syscall_entry
syscall_entry:
    mov r9, [rip + {tss} + 4]
    mov [r9 + AT_RIP], rcx
    mov [r9 + AT_RFLAGS], r11
    mov [r9 + AT_RSP], rsp
    mov [r9 + AT_RBP], rbp
    mov dword ptr [r9 + AT_KIND], KIND_SYSCALL
    lea rsp, [rip + {stack} + {stack_size}]
    mov rcx, r10
    mov r9, rax
    xor ebp, ebp
    call {on_syscall}
    cmp rax, [rip + {tss} + 4]
    jne 2f
    cmp dword ptr [rax + AT_KIND], KIND_SYSCALL
    jne 2f
1:  # Back to a task that is in a system call; what the kernel had in scratch registers is not for its eyes.
    mov rcx, [rax + AT_RIP]
    mov r11, [rax + AT_RFLAGS]
    mov rbp, [rax + AT_RBP]
    mov rdi, [rax + AT_RDI]
    mov rsi, [rax + AT_RSI]
    mov rsp, [rax + AT_RSP]
    mov rax, [rax + AT_RAX]
    xor edx, edx
    xor r8d, r8d
    xor r9d, r9d
    xor r10d, r10d
    sysretq
2:  mov rcx, [rip + {tss} + 4]
    mov [rcx + AT_RBX], rbx
    mov [rcx + AT_R12], r12
    mov [rcx + AT_R13], r13
    mov [rcx + AT_R14], r14
    mov [rcx + AT_R15], r15
    # Falls through.

# Runs the context that ends at rax.
resume:
    mov [rip + {tss} + 4], rax
    cmp dword ptr [rax + AT_KIND], KIND_SYSCALL
    jne 3f
    mov rbx, [rax + AT_RBX]
    mov r12, [rax + AT_R12]
    mov r13, [rax + AT_R13]
    mov r14, [rax + AT_R14]
    mov r15, [rax + AT_R15]
    jmp 1b
3:  cmp dword ptr [rax + AT_KIND], KIND_IDLE
    je idle
    lea rsp, [rax + AT_R15]
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    add rsp, 16
    iretq

# Nobody is ready: wait. Interrupts come in through from_kernel, which does not return here.
idle:
    lea rsp, [rip + {stack} + {stack_size}]
4:  sti
    hlt
    cli
    jmp 4b

# Exceptions and interrupts. The stack holds the vector, the error code and the CPU's frame.
trap:
    test byte ptr [rsp + 24], 3
    jz from_kernel
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov edi, [rsp + AT_KIND - AT_R15]
5:  lea rsp, [rip + {stack} + {stack_size}]
    push 2                      # the CPU leaves the task's alignment-check and direction flags on
    popfq
    xor ebp, ebp
    call {on_trap}
    jmp resume

# From the kernel itself: an interrupt ended the idle loop, or an exception, which is a bug.
from_kernel:
    cmp dword ptr [rsp], 32
    jb fatal
    mov edi, [rsp]
    jmp 5b

# Does not return.
fatal:
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rdi, rsp
    and rsp, -16
    push 2
    popfq
    call {on_fatal}
    ud2

# enter(end of context): the first task's start.
.global enter_task
enter_task:
    mov rax, rdi
    jmp resume

# One stub for each vector, 8 bytes apart. Some exceptions push an error code; for the others a 0 takes its place.
# Non-maskable interrupts, double faults and machine checks can hit at any instruction, have stacks of their own, and end
# the system.
.balign 8
.global trap_stubs
trap_stubs:
.set vector, 0
.rept {vectors}
    .balign 8
    push vector
    .if vector == 8
    jmp fatal
    .elseif vector == 2 || vector == 18
    jmp fatal_without_code
    .elseif vector == 10 || vector == 11 || vector == 12 || vector == 13 || vector == 14 || vector == 17 || vector == 21 || vector == 29 || vector == 30
    jmp trap
    .else
    jmp trap_without_code
    .endif
    .set vector, vector + 1
.endr

trap_without_code:
    push [rsp]
    mov qword ptr [rsp + 8], 0
    jmp trap

fatal_without_code:
    push [rsp]
    mov qword ptr [rsp + 8], 0
    jmp fatal
