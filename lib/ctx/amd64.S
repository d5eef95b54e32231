/*
 * The scheduler's switch on amd64.
 *
 * A stopped context has its six callee-saved registers and the address to go
 * on at on top of its stack, and wf_resume as its pc: both a switch and wf_gogo
 * can enter it. The last step is pop and jmp: a ret would be predicted from the
 * other stack's calls and miss every time. notrack, since where it goes is the
 * instruction after a call, which has no endbr64.
 *
 * The direction flag is clear at every call (psABI), so switches leave it alone.
 */
#include "ctx/offsets.h"

	.macro function name
	.globl \name
	.hidden \name
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

	.text

/* struct m *wf_ctx_switch(struct gobuf *from, struct gobuf *to, struct m *m) */
function wf_ctx_switch
	save rbp
	save rbx
	save r12
	save r13
	save r14
	save r15
	leaq wf_resume(%rip), %rcx
	movq %rsp, WF_GOBUF_SP(%rdi)
	movq %rcx, WF_GOBUF_PC(%rdi)
	movq WF_GOBUF_SP(%rsi), %rsp
	movq %rdx, %rax
	.globl wf_resume
	.hidden wf_resume
wf_resume:
	restore r15
	restore r14
	restore r13
	restore r12
	restore rbx
	restore rbp
	popq %rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	notrack jmpq *%rcx
	end wf_ctx_switch

/* struct m *wf_ctx_mcall(struct gobuf *from, struct gobuf *g0, void (*fn)(struct g *), struct g *g) */
function wf_ctx_mcall
	save rbp
	save rbx
	save r12
	save r13
	save r14
	save r15
	leaq wf_resume(%rip), %rax
	movq %rsp, WF_GOBUF_SP(%rdi)
	movq %rax, WF_GOBUF_PC(%rdi)
	movq WF_GOBUF_SP(%rsi), %rsp
	.cfi_def_cfa rsp, 8
	.cfi_undefined rip
	xorl %ebp, %ebp
	movq %rcx, %rdi
	callq *%rdx
	ud2
	end wf_ctx_mcall

/* void wf_gogo(struct gobuf *buf) */
function wf_gogo
	movq WF_GOBUF_G(%rdi), %rax
	movq WF_G_M(%rax), %rax
	movq WF_GOBUF_PC(%rdi), %rcx
	movq WF_GOBUF_SP(%rdi), %rsp
	.cfi_undefined rip
	notrack jmpq *%rcx
	end wf_gogo

/* void wf_ctx_g0call(void (*fn)(void)): keeps what its caller needs, so that
 * wf_gogo, which restores no register, can come back here. */
function wf_ctx_g0call
	save rbp
	save rbx
	save r12
	save r13
	save r14
	save r15
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	callq *%rdi
	endbr64
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	restore r15
	restore r14
	restore r13
	restore r12
	restore rbx
	restore rbp
	retq
	end wf_ctx_g0call

/* A fresh context begins here: r12 is its entry, rax the M. The end of every
 * backtrace. */
function wf_ctx_begin
	.cfi_undefined rip
	xorl %ebp, %ebp
	movq %rax, %rdi
	callq *%r12
	ud2
	end wf_ctx_begin

/* The same for weft_ctx_make's: rsp points at the argument and the function. */
function wf_ctx_pubbegin
	.cfi_undefined rip
	xorl %ebp, %ebp
	popq %rdi
	popq %rax
	callq *%rax
	ud2
	end wf_ctx_pubbegin

	.section .note.GNU-stack, "", @progbits

/* Indirect branch tracking, but no shadow stack: the loader turns those off. */
	.section .note.gnu.property, "a"
	.p2align 3
	.long 4
	.long 16
	.long 5
	.asciz "GNU"
	.long 0xc0000002
	.long 4
	.long 1
	.long 0
