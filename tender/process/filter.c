/* SPDX-License-Identifier: MIT */
/*
 * Classic BPF from the table of host calls (seccomp(2)). For each call a
 * block: number matches? then every argument rule, both halves of the 64-bit
 * argument; the first failing rule jumps to the kill at the block's end.
 */
#include "process/filter.h"
#include "abi/boot.h"
#include "process/hostcalls.h"
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

struct builder {
	struct sock_filter *p;
	size_t n;
};

static void add(struct builder *b, struct sock_filter f)
{
	if (b->n < FILTER_MAX)
		b->p[b->n] = f;
	b->n++;
}

static uint32_t arg_low(unsigned int arg)
{
	return OFF(args) + arg * 8;
}

static size_t rule_length(const struct arg_rule *r)
{
	return r->kind == ARG_MASK ? 6 : 4 + r->nr_values;
}

/* Passes on to the next instruction, or returns KILL. */
static void add_rule(struct builder *b, const struct arg_rule *r)
{
	unsigned int n = r->nr_values;

	add(b, LOAD(arg_low(r->arg) + 4));
	if (r->kind == ARG_MASK) {
		add(b, JUMP_EQ(0, 1, 0));
		add(b, RETURN(SECCOMP_RET_KILL_PROCESS));
		add(b, LOAD(arg_low(r->arg)));
		add(b, JUMP_SET(~(uint32_t)r->values[0], 0, 1));
		add(b, RETURN(SECCOMP_RET_KILL_PROCESS));
		return;
	}
	/* every allowed value is below 2^32 */
	add(b, JUMP_EQ(0, 0, (uint8_t)(1 + n)));
	add(b, LOAD(arg_low(r->arg)));
	for (unsigned int i = 0; i < n; i++)
		add(b, JUMP_EQ((uint32_t)r->values[i], (uint8_t)(n - i), 0));
	add(b, RETURN(SECCOMP_RET_KILL_PROCESS));
}

static void add_call(struct builder *b, const struct hostcall *c)
{
	size_t len = 1;

	for (size_t i = 0; i < 3 && c->rules[i].kind != ARG_END; i++)
		len += rule_length(&c->rules[i]);
	add(b, JUMP_EQ((uint32_t)c->nr, 0, (uint8_t)len));
	for (size_t i = 0; i < 3 && c->rules[i].kind != ARG_END; i++)
		add_rule(b, &c->rules[i]);
	add(b, RETURN(SECCOMP_RET_ALLOW));
}

size_t filter_build(struct sock_filter prog[FILTER_MAX])
{
	struct builder b = { prog, 0 };
	uint32_t ip_low = OFF(instruction_pointer);

	_Static_assert((uint32_t)ABI_WINDOW_BASE == 0, "stub page test");
	add(&b, LOAD(ip_low + 4));
	add(&b, JUMP_EQ((uint32_t)(ABI_WINDOW_BASE >> 32), 1, 0));
	add(&b, RETURN(SECCOMP_RET_TRAP));
	add(&b, LOAD(ip_low));
	add(&b, JUMP_SET(~(ABI_STUB_SIZE - 1), 0, 1));
	add(&b, RETURN(SECCOMP_RET_TRAP));
	add(&b, LOAD(OFF(arch)));
	add(&b, JUMP_EQ(AUDIT_ARCH_X86_64, 1, 0));
	add(&b, RETURN(SECCOMP_RET_KILL_PROCESS));
	add(&b, LOAD(OFF(nr)));
	for (size_t i = 0; i < nr_hostcalls; i++) {
		add_call(&b, &hostcalls[i]);
	}
	add(&b, RETURN(SECCOMP_RET_KILL_PROCESS));
	return b.n;
}
