/*
 * The two entries of the guest, its tables, and the way from an exception into C.
 *
 * start32: the PVH entry (Xen's x86/HVM direct boot ABI): protected mode, paging off, EBX holds the
 * address of hvm_start_info. start64: the entry of a 64-bit ELF as Linux's boot protocol has it: long
 * mode, RSI holds the address of the zero page. Both come to serve() in guest.c.
 */

#define PRESENT_WRITABLE	0x3
#define LARGE_PAGE		0x83
#define CODE64			0x08
#define DATA			0x10
#define GATES			37
#define PIC			0x20
#define END_OF_INTERRUPT	0x20

	.section .head, "ax"
	.code64
	.globl start64
start64:
	cli
	mov $2, %edi
	jmp enter

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start32

	.text
	.code32
start32:
	cli
	lgdt gdt_pointer
	mov $0x20, %eax			/* CR4.PAE */
	mov %eax, %cr4
	mov $top_table, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx		/* IA32_EFER */
	rdmsr
	or $0x100, %eax			/* LME */
	wrmsr
	mov $0x80000001, %eax		/* CR0.PG, CR0.PE */
	mov %eax, %cr0
	ljmp $CODE64, $long_mode

	.code64
long_mode:
	mov %ebx, %esi
	mov $1, %edi
enter:
	mov $stack_top, %rsp
	mov $top_table, %rax
	mov %rax, %cr3
	lgdt gdt_pointer
	mov $DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	pushq $CODE64
	pushq $1f
	lretq
1:
	lidt idt_pointer
	cld
	call serve
2:	hlt
	jmp 2b

/* Calls run_commands; an exception that cannot be mended ends that call. */
	.globl guarded
guarded:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, recovery
	sub $8, %rsp
	call run_commands
abandon:
	mov recovery, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* Exceptions. Those with an error code push one themselves; the others get a 0. */
	.altmacro
	.macro vector number
	.balign 16
	.if (\number == 8) || ((\number >= 10) && (\number <= 14)) || (\number == 17) || (\number == 21)
	.else
	pushq $0
	.endif
	pushq $\number
	jmp exception
	.endm

	.balign 16
	.globl vectors
vectors:
	.set number, 0
	.rept 32
	vector %number
	.set number, number + 1
	.endr

exception:
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	mov 72(%rsp), %rdi		/* vector */
	mov 80(%rsp), %rsi		/* error code */
	mov %cr2, %rdx
	cld
	call trapped
	test %eax, %eax
	jnz abandon
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

/* COM1 has bytes: this only ends `hlt`. */
	.globl line_ready
line_ready:
	push %rax
	mov $END_OF_INTERRUPT, %al
	out %al, $PIC
	pop %rax
	iretq

	.data
	.balign 16
gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* CODE64 */
	.quad 0x00cf93000000ffff	/* DATA */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.quad gdt
idt_pointer:
	.word GATES * 16 - 1
	.quad idt

/* The first 4 GiB by themselves, in pages of 2 MiB; guest.c adds what lies above when it is used. */
	.balign 4096
	.globl top_table
top_table:
	.quad low_table + PRESENT_WRITABLE
	.fill 511, 8, 0
	.globl low_table
low_table:
	.quad low_pages + PRESENT_WRITABLE
	.quad low_pages + 0x1000 + PRESENT_WRITABLE
	.quad low_pages + 0x2000 + PRESENT_WRITABLE
	.quad low_pages + 0x3000 + PRESENT_WRITABLE
	.fill 508, 8, 0
low_pages:
	.set address, 0
	.rept 2048
	.quad address + LARGE_PAGE
	.set address, address + 0x200000
	.endr

	.bss
	.balign 16
recovery:
	.skip 16
	.skip 16384
stack_top:
