/* SPDX-License-Identifier: MIT */
/*
 * Is /dev/kvm really usable? Capabilities do not tell: some nested ones look
 * whole and run no system call right. So a tiny guest is run, once in the life
 * of the host's kernel; the verdict is kept in the user's runtime directory.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum kvm_verdict {
	KVM_VERDICT_USABLE,
	KVM_VERDICT_MISSING,	/* no /dev/kvm */
	KVM_VERDICT_DENIED,	/* it can not be opened */
	KVM_VERDICT_UNUSABLE,	/* it does not run the probe's guest right */
};

struct kvm_probe {
	uint32_t verdict;	/* enum kvm_verdict */
	bool is_cached, is_forced;
	uint32_t nr_calls;	/* system calls that worked, of 200 */
	uint32_t loop_ps;	/* picoseconds an iteration */
	uint32_t took_us;
	char text[256];		/* why, and what to do; "" if usable */
};

/*
 * Fill *p. $MICA_KVM decides: "yes" and "no" are the verdict, "probe" runs the
 * guest whatever the kept verdict says. The guest gets half a
 * second of processor time. Never fails: what goes wrong is the verdict.
 * Context: before any thread is started.
 */
void kvm_probe(struct kvm_probe *p);
