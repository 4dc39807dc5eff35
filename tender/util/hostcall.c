/* SPDX-License-Identifier: MIT */
/*
 * Classic BPF from tables of host calls (seccomp(2)). For each call a block:
 * number matches? then every argument rule, both halves of the 64-bit
 * argument; the first failing rule jumps to the kill at the block's end.
 */
#include "util/hostcall.h"
#include <linux/audit.h>
#include <linux/seccomp.h>

#define OFF(field)	((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(off) \
	(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, off)
#define RETURN(v)	(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, v)
#define JUMP_EQ(v, t, f) \
	(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, t, f)
#define JUMP_SET(v, t, f) \
	(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, v, t, f)

void filter_add(struct filter *f, struct sock_filter insn)
{
	if (f->n < FILTER_MAX)
		f->prog[f->n] = insn;
	f->n++;
}

static uint32_t arg_low(unsigned int arg)
{
	return OFF(args) + arg * 8;
}

static size_t rule_length(const struct arg_rule *r)
{
	return r->kind == ARG_MASK ? 6 :
	       r->kind == ARG_IS ? 4 + r->nr_values : 2 + r->nr_values;
}

/* Passes on to the next instruction, or returns KILL. */
static void add_rule(struct filter *f, const struct arg_rule *r)
{
	unsigned int n = r->nr_values;

	if (r->kind == ARG_MASK) {
		filter_add(f, LOAD(arg_low(r->arg) + 4));
		filter_add(f, JUMP_EQ(0, 1, 0));
		filter_add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
		filter_add(f, LOAD(arg_low(r->arg)));
		filter_add(f, JUMP_SET(~(uint32_t)r->values[0], 0, 1));
		filter_add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
		return;
	}
	if (r->kind == ARG_IS) {
		filter_add(f, LOAD(arg_low(r->arg) + 4));
		filter_add(f, JUMP_EQ(0, 0, (uint8_t)(1 + n)));
	}
	filter_add(f, LOAD(arg_low(r->arg)));
	for (unsigned int i = 0; i < n; i++)
		filter_add(f, JUMP_EQ((uint32_t)r->values[i],
				      (uint8_t)(n - i), 0));
	filter_add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
}

static void add_call(struct filter *f, const struct hostcall *c)
{
	size_t len = 1;

	for (size_t i = 0; i < 3 && c->rules[i].kind != ARG_END; i++)
		len += rule_length(&c->rules[i]);
	filter_add(f, JUMP_EQ((uint32_t)c->nr, 0, (uint8_t)len));
	for (size_t i = 0; i < 3 && c->rules[i].kind != ARG_END; i++)
		add_rule(f, &c->rules[i]);
	filter_add(f, RETURN(SECCOMP_RET_ALLOW));
}

void filter_add_arch(struct filter *f)
{
	filter_add(f, LOAD(OFF(arch)));
	filter_add(f, JUMP_EQ(AUDIT_ARCH_X86_64, 1, 0));
	filter_add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
	filter_add(f, LOAD(OFF(nr)));
}

void filter_add_calls(struct filter *f, const struct hostcall *calls,
		      size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		add_call(f, &calls[i]);
}

void filter_add_kill(struct filter *f)
{
	filter_add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
}
