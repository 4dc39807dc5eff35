/* SPDX-License-Identifier: MIT */
/*
 * The host calls that a sandbox on the process platform may make, with the
 * rules for their arguments. One table makes the seccomp filter, the list of
 * `mica features`, docs/security.md and the isolation test.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum arg_rule_kind {
	ARG_END,
	ARG_IS,		/* argument equals one of the values */
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

extern const struct hostcall hostcalls[];
extern const size_t nr_hostcalls;
