/* SPDX-License-Identifier: MIT */
/*
 * Tables of allowed host calls and the seccomp programs made from them. Each
 * platform has tables of its own; one table makes filter, documents and tests.
 */
#pragma once
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum arg_rule_kind {
	ARG_END,
	ARG_IS,		/* argument equals one of the values */
	ARG_IS_INT,	/* the same of its low 32 bits, all that the host reads */
	ARG_MASK,	/* argument has no bits outside values[0] */
};

#define ARG_VALUES_MAX	8

struct arg_rule {
	enum arg_rule_kind kind;
	unsigned int arg;	/* 0..5 */
	unsigned int nr_values;
	uint64_t values[ARG_VALUES_MAX];
};

struct hostcall {
	const char *name;
	int nr;
	const char *why;	/* one line for the documents */
	const char *rule_text;	/* the rules in words */
	struct arg_rule rules[3];
};

#define FILTER_MAX 512

struct filter {
	struct sock_filter prog[FILTER_MAX];
	size_t n;		/* may pass FILTER_MAX: then it is no filter */
};

void filter_add(struct filter *f, struct sock_filter insn);
/* Another processor's call numbers end the process; loads the number. */
void filter_add_arch(struct filter *f);
/* Allow these calls; every allowed value is below 2^32. */
void filter_add_calls(struct filter *f, const struct hostcall *calls,
		      size_t nr);
/* Anything else ends the process. */
void filter_add_kill(struct filter *f);
