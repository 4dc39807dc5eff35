/* SPDX-License-Identifier: MIT */
/* What probe.c and probe_cache.c share. */
#pragma once
#include "kvm/probe.h"

enum probe_outcome {
	PROBE_NO_ANSWER,
	PROBE_HUNG,
	PROBE_SETUP_FAILED,	/* code is an errno of `what` */
	PROBE_RUN_FAILED,	/* code is an errno */
	PROBE_STOPPED,		/* code is a KVM exit reason */
	PROBE_FINISHED,		/* nr_calls is the guest's count */
};

struct probe_result {
	uint32_t outcome;	/* enum probe_outcome */
	int code;
	uint32_t nr_calls, loop_ps;
	char what[64];
};

/*
 * The verdict kept since this boot for this device (an open descriptor).
 * Returns whether there is one; *p is filled.
 */
bool probe_cache_get(int kvm, struct kvm_probe *p);
/* Keep it. A failure is silent: the next run asks again. */
void probe_cache_put(int kvm, const struct kvm_probe *p);
