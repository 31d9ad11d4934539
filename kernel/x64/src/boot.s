# The first instructions: from the boot loader's 32-bit mode to 64-bit code in the kernel's half.
#
# Two ways lead to boot_entry: PVH (QEMU -kernel; EBX points to a start_info) and Multiboot2 (GRUB; EBX points to its
# information). Rust code tells them apart. On both, paging is off and segments are flat. The tables made here map the
# first 4 GiB twice, where they are and in the kernel's half, everything writable and executable; they live only until
# the Rust code has made the real ones.

.section .boot.header, "a"
.balign 8
multiboot_header:
    .long 0xe85250d6                    # Multiboot2 specification 1.6, section 3.1
    .long 0                             # i386 protected mode
    .long multiboot_end - multiboot_header
    .long -(0xe85250d6 + 0 + (multiboot_end - multiboot_header))
    .balign 8
    .short 6, 0                         # modules start at page boundaries
    .long 8
    .balign 8
    .short 0, 0                         # end
    .long 8
multiboot_end:

.section .note.pvh, "a"
.balign 4
    .long 4                             # length of the name
    .long 8                             # length of the value
    .long 18                            # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad boot_entry

.section .boot.text, "ax"
.code32
.global boot_entry
boot_entry:
    cli
    cld
    mov esp, offset boot_stack_end
    mov esi, ebx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb no_long_mode
    mov eax, 0x80000001
    cpuid
    bt edx, 29                          # long mode
    jnc no_long_mode

    mov edi, offset boot_directories    # 4 GiB in pages of 2 MiB
    mov eax, 0x83                       # present, writable, large
    xor ecx, ecx
1:  mov [edi + ecx * 8], eax
    mov dword ptr [edi + ecx * 8 + 4], 0
    add eax, 0x200000
    inc ecx
    cmp ecx, 4 * 512
    jb 1b
    mov edi, offset boot_pointers       # the 4 directories, at 0
    mov eax, offset boot_directories + 3
    mov [edi], eax
    add eax, 0x1000
    mov [edi + 8], eax
    add eax, 0x1000
    mov [edi + 16], eax
    add eax, 0x1000
    mov [edi + 24], eax
    mov edi, offset boot_high_pointers  # the first directory, at -2 GiB
    mov eax, offset boot_directories + 3
    mov [edi + 510 * 8], eax
    mov edi, offset boot_root
    mov eax, offset boot_pointers + 3
    mov [edi], eax
    mov eax, offset boot_high_pointers + 3
    mov [edi + 511 * 8], eax

    mov cr3, edi
    mov eax, 1 << 5                     # physical address extension, and nothing that the loader may have left
    mov cr4, eax
    mov ecx, 0xc0000080                 # EFER
    rdmsr
    or eax, 1 << 8                      # long mode
    wrmsr
    mov eax, cr0
    or eax, 1 << 31                     # paging
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    mov eax, 0x10
    mov ss, eax
    mov ds, eax
    mov es, eax
    mov eax, 0x08
    push eax
    mov eax, offset boot_long_mode
    push eax
    retf

no_long_mode:
    mov edi, offset no_long_mode_text
    mov edx, 0x3f8
2:  mov al, [edi]
    test al, al
    jz 3f
    out dx, al
    inc edi
    jmp 2b
3:  hlt
    jmp 3b
no_long_mode_text:
    .asciz "kernel: this CPU has no 64-bit mode; use an x86_64 CPU\n"

.code64
boot_long_mode:
    movabs rax, offset boot_high
    jmp rax

.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9a000000ffff            # 64-bit code
    .quad 0x00cf92000000ffff            # data
boot_gdt_pointer:
    .short 23
    .long boot_gdt

.section .boot.tables, "aw", @nobits
.balign 4096
boot_root: .skip 4096
boot_pointers: .skip 4096
boot_high_pointers: .skip 4096
boot_directories: .skip 4 * 4096
.skip 64
boot_stack_end:

.section .text.boot, "ax"
boot_high:
    lea rsp, [rip + {stack} + {stack_size}]
    xor ebp, ebp
    mov edi, esi
    call {start}
    ud2
