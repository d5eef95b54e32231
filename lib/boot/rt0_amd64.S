/*
 * The process entry of a program that is linked with the start object.
 *
 * The kernel leaves argc at 0(%rsp) and argv from 8(%rsp) on, and in rdx what
 * libc's entry registers with atexit. libc is initialised as usual by _start; the
 * program's main, wrapped at link time, goes on to rt0 (crt.c).
 */
	.text
	.globl _rt0_amd64
	.type _rt0_amd64, @function
	.p2align 4
_rt0_amd64:
	.cfi_startproc
	endbr64
	.cfi_undefined rip
	movq 0(%rsp), %rdi
	leaq 8(%rsp), %rsi
	jmp _start
	.cfi_endproc
	.size _rt0_amd64, . - _rt0_amd64

/* Programs without the start object have a _start too, but plug-ins have none. */
	.weak _start

	.section .note.GNU-stack, "", @progbits

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
