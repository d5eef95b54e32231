/*
 * regs.h on amd64.
 */
	.macro function name
	.globl \name
	.type \name, @function
	.p2align 4
\name:
	.cfi_startproc
	endbr64
	.endm

	.macro end name
	.cfi_endproc
	.size \name, . - \name
	.endm

	.macro save reg
	pushq %\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
	.endm

	.macro restore reg
	popq %\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
	.endm

/* Count in eax whether reg still is seed + add; r is rdx. */
	.macro compare reg, add
	leaq \add(%rdx), %rcx
	cmpq %rcx, %\reg
	setne %cl
	movzbl %cl, %ecx
	addl %ecx, %eax
	.endm

	.text

/* unsigned regs_changed(void (*fn)(void *), void *arg, uintptr_t seed) */
function regs_changed
	save rbp
	save rbx
	save r12
	save r13
	save r14
	save r15
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	leaq 1(%rdx), %rbp
	leaq 2(%rdx), %rbx
	leaq 3(%rdx), %r12
	leaq 4(%rdx), %r13
	leaq 5(%rdx), %r14
	leaq 6(%rdx), %r15
	movq %rdi, %rax
	movq %rsi, %rdi
	callq *%rax
	popq %rdx
	.cfi_adjust_cfa_offset -8
	xorl %eax, %eax
	compare rbp, 1
	compare rbx, 2
	compare r12, 3
	compare r13, 4
	compare r14, 5
	compare r15, 6
	restore r15
	restore r14
	restore r13
	restore r12
	restore rbx
	restore rbp
	retq
	end regs_changed

/* void entry_of_ctx(void *entry), void *entry_of_task(void *entry) */
	.globl entry_of_ctx
	.type entry_of_ctx, @function
	.set entry_of_ctx, entry_of_task
function entry_of_task
	movq %rsp, 0(%rdi)
	pushfq
	.cfi_adjust_cfa_offset 8
	popq 8(%rdi)
	.cfi_adjust_cfa_offset -8
	movq 16(%rdi), %rax
	movq 24(%rdi), %rdi
	jmpq *%rax
	end entry_of_task

/* void fpwords_get(struct fpwords *) */
function fpwords_get
	movl $0, 4(%rdi)
	stmxcsr 0(%rdi)
	fnstcw 4(%rdi)
	retq
	end fpwords_get

/* void fpwords_set(const struct fpwords *) */
function fpwords_set
	ldmxcsr 0(%rdi)
	fldcw 4(%rdi)
	retq
	end fpwords_set

	.section .note.GNU-stack, "", @progbits
