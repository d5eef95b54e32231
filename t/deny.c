/*
 * One denial, one filter in the kernel's language: jumps over the answers.
 */
#include "deny.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))

static bool install(struct sock_filter *filter, unsigned short n)
{
	struct sock_fprog program = {n, filter};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

bool deny(const struct denial *d)
{
	const unsigned number = (unsigned)d->number;
	const unsigned answer = SECCOMP_RET_ERRNO | (unsigned)d->error;
	struct sock_filter any[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		ANSWER(answer),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	struct sock_filter some[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (unsigned)offsetof(struct seccomp_data, args) + 8U * (unsigned)d->arg),
		d->mask ? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, d->mask, 0, 1)
			: (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, d->value, 0, 1),
		ANSWER(answer),
		ANSWER(SECCOMP_RET_ALLOW),
	};

	if (d->arg == ANY)
		return install(any, sizeof any / sizeof *any);
	return install(some, sizeof some / sizeof *some);
}
