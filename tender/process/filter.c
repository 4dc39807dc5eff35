/* SPDX-License-Identifier: MIT */
/*
 * The filter of a sandbox on the process platform: where the call comes from
 * first, then the table (util/hostcall.h).
 */
#include "process/filter.h"
#include "abi/boot.h"
#include "process/hostcalls.h"
#include <linux/seccomp.h>

#define OFF(field)	((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(off) \
	(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, off)
#define RETURN(v)	(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, v)
#define JUMP_EQ(v, t, f) \
	(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, t, f)
#define JUMP_SET(v, t, f) \
	(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, v, t, f)

void filter_build(struct filter *f, bool rtprio)
{
	uint32_t ip_low = OFF(instruction_pointer);

	_Static_assert((uint32_t)ABI_WINDOW_BASE == 0, "stub page test");
	f->n = 0;
	filter_add(f, LOAD(ip_low + 4));
	filter_add(f, JUMP_EQ((uint32_t)(ABI_WINDOW_BASE >> 32), 1, 0));
	filter_add(f, RETURN(SECCOMP_RET_TRAP));
	filter_add(f, LOAD(ip_low));
	filter_add(f, JUMP_SET(~(ABI_STUB_SIZE - 1), 0, 1));
	filter_add(f, RETURN(SECCOMP_RET_TRAP));
	filter_add_arch(f);
	if (rtprio)
		filter_add_calls(f, hostcalls_rtprio, nr_hostcalls_rtprio);
	filter_add_calls(f, hostcalls, nr_hostcalls);
	filter_add_kill(f);
}
