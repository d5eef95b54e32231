/*
 * The amd64 backend, what of it is not inline (amd64.h): going to g0 and coming
 * back, entering without saving, and where contexts begin.
 *
 * wf_ctx_mcall stops its caller with the six callee-saved registers and the address
 * to go on at on top of the stack, and wf_resume as its pc. Its last step is pop and
 * jmp: a ret would be predicted from the other stack's calls. notrack, since that
 * goes to the instruction after a call, which has no endbr64; what contexts are
 * entered at has one.
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

/* The CFI stands before the endbr64: this address is what a debugger looks up. */
	.globl wf_resume
	.hidden wf_resume
	.type wf_resume, @function
	.p2align 4
wf_resume:
	.cfi_startproc
	.cfi_def_cfa_offset 56
	.cfi_offset rip, -8
	.cfi_offset rbp, -16
	.cfi_offset rbx, -24
	.cfi_offset r12, -32
	.cfi_offset r13, -40
	.cfi_offset r14, -48
	.cfi_offset r15, -56
	endbr64
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
	end wf_resume

/* void wf_gogo(struct gobuf *buf) */
function wf_gogo
	movq WF_GOBUF_G(%rdi), %rax
	movq WF_G_M(%rax), %rax
	movq WF_GOBUF_PC(%rdi), %rcx
	movq WF_GOBUF_CTXT(%rdi), %rbp
	movq WF_GOBUF_SP(%rdi), %rsp
	.cfi_undefined rip
	jmpq *%rcx
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

/* A fresh context begins here: rsp points at its entry, rax is the M. The end of
 * every backtrace. */
function wf_ctx_begin
	.cfi_undefined rip
	xorl %ebp, %ebp
	popq %rcx
	movq %rax, %rdi
	callq *%rcx
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
