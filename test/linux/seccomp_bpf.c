/* SPDX-License-Identifier: MIT */
/* seccomp(2): the programs of filters, what they see, which are refused. */
#include "seccomp_help.h"

/* --- what a filter sees ---------------------------------------------------------------*/
TEST(arguments)
{
	struct sock_filter code[] = {
		LOAD(NR), IF(SYS_getpgid), BPF_STMT(BPF_JMP | BPF_JA, 1), ALLOW,
		LOAD(ARG(0)), IF(0x89abcdef), BPF_STMT(BPF_JMP | BPF_JA, 1),
		RETURN(SECCOMP_RET_ERRNO | 1),
		LOAD(ARG(0) + 4), IF(0x1234567), RETURN(SECCOMP_RET_ERRNO | 3),
		RETURN(SECCOMP_RET_ERRNO | 2),
	};

	no_privs();
	must(INSTALL(code));
	num((syscall(SYS_getpgid, 0x123456789abcdefL), errno));
	num((syscall(SYS_getpgid, 0x123456789abcdeeL), errno));
	num((syscall(SYS_getpgid, 0x023456789abcdefL), errno));
}

TEST(six_arguments_and_arch)
{
	/* errno = sum of the arguments */
	struct sock_filter code[] = {
		LOAD(offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7777, 1, 0), ALLOW,
		LOAD(ARG(0)), BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD(ARG(1)), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD(ARG(2)), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD(ARG(3)), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD(ARG(4)), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD(ARG(5)), BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	no_privs();
	must(INSTALL(code));
	num((syscall(7777, 1, 2, 4, 8, 16, 32), errno));
	num((syscall(7777, 100, 0, 0, 0, 0, 300), errno));
}

/* a op k, then a op x; the result as errno */
static void compute(int op, uint32_t a, uint32_t by)
{
	pid_t pid;

	say("op %x: %u, %u", op, a, by);
	pid = must(fork());
	if (pid == 0) {
		struct sock_filter code[] = {
			LOAD(NR),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7777, 1, 0), ALLOW,
			BPF_STMT(BPF_LDX | BPF_IMM, by),
			BPF_STMT(BPF_LD | BPF_IMM, a),
			BPF_STMT(BPF_ALU | op | BPF_X, 0),
			BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3),
			BPF_STMT(BPF_LD | BPF_IMM, a),
			BPF_STMT(BPF_ALU | op | BPF_K, by),
			BPF_STMT(BPF_STX, 15), BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
			RETURN(SECCOMP_RET_ERRNO | 4000),
			BPF_STMT(BPF_LD | BPF_MEM, 15),
			BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff),
			BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
			BPF_STMT(BPF_RET | BPF_A, 0),
		};

		no_privs();
		must(INSTALL(code));
		num((syscall(7777), errno));
		_exit(0);
	}
	await(pid);
}

TEST(arithmetic)
{
	compute(BPF_ADD, 7, 5);
	compute(BPF_ADD, 0xffffffff, 5);
	compute(BPF_SUB, 5, 7);
	compute(BPF_MUL, 70000, 70001);
	compute(BPF_DIV, 0xfffffff0, 0x1000000);
	compute(BPF_AND, 0xff0, 0x3fc);
	compute(BPF_OR, 0x100, 0x3);
	compute(BPF_XOR, 0xff, 0x3c);
	compute(BPF_LSH, 1, 9);
	compute(BPF_RSH, 0x80000000, 22);
}

TEST(shift_too_far_and_division_by_zero)
{
	struct sock_filter code[] = {
		LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7777, 1, 0), ALLOW,
		LOAD(ARG(0)), BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_IMM, 1),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), /* 0 kills */
		BPF_STMT(BPF_LD | BPF_MEM, 0), BPF_STMT(BPF_RET | BPF_A, 0),
	};

	no_privs();
	must(INSTALL(code));
	num((syscall(7777, 3), errno));
	num((syscall(7777, 35), errno));
	fflush(stdout);
	syscall(7777, 0);
	say("not reached");
}

TEST(length_and_negation)
{
	struct sock_filter code[] = {
		LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7777, 1, 0), ALLOW,
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	no_privs();
	must(INSTALL(code));
	num((syscall(7777), errno));
}

/* jump true and false, with constants and x */
TEST(jumps)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct sock_filter code[] = {
			LOAD(NR),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7000 + i, 1, 0),
			ALLOW,
			BPF_STMT(BPF_LDX | BPF_IMM, 6), LOAD(ARG(0)),
			BPF_JUMP(BPF_JMP | ops[i] | BPF_K, 6, 1, 0),
			RETURN(SECCOMP_RET_ERRNO | 1),
			BPF_JUMP(BPF_JMP | ops[i] | BPF_X, 0, 0, 1),
			RETURN(SECCOMP_RET_ERRNO | 2),
			RETURN(SECCOMP_RET_ERRNO | 3),
		};

		no_privs();
		must(INSTALL(code));
		for (int a = 5; a < 10; a++)
			num((syscall(7000 + i, a), errno));
	}
}

/* --- bad programs ------------------------------------------------------------------------*/
static void refused(const char *what, const struct sock_filter *code, size_t n)
{
	int r = install_flags(code, n, 0);

	say("%s: %s", what, r ? err_name(errno) : "taken");
}

#define REFUSED(...) do {						      \
	struct sock_filter code_[] = { __VA_ARGS__ };			      \
	refused(#__VA_ARGS__, code_, ARRAY_SIZE(code_));		      \
} while (0)

TEST(bad_programs)
{
	no_privs();
	REFUSED(LOAD(NR));				/* no return */
	REFUSED(LOAD(64), ALLOW);
	REFUSED(LOAD(60), ALLOW);
	REFUSED(LOAD(2), ALLOW);
	REFUSED(LOAD(~0u), ALLOW);
	REFUSED(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), ALLOW);
	REFUSED(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), ALLOW);
	REFUSED(BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), ALLOW);
	REFUSED(BPF_STMT(BPF_ST, 16), ALLOW);
	REFUSED(BPF_STMT(BPF_STX, 15), ALLOW);
	REFUSED(BPF_STMT(BPF_LD | BPF_MEM, 0), ALLOW);	/* not stored */
	REFUSED(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW);
	REFUSED(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW);
	REFUSED(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ALLOW);
	REFUSED(BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 31), ALLOW);
	REFUSED(BPF_STMT(BPF_ALU | 0xb0, 1), ALLOW);
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, 1), ALLOW);
	REFUSED(BPF_STMT(BPF_JMP | BPF_JA, ~0u), ALLOW);
	REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALLOW);
	REFUSED(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 0), ALLOW);
	REFUSED(BPF_JUMP(BPF_JMP | 0x50, 0, 0, 0), ALLOW);
	REFUSED(BPF_STMT(0x0107, 0), ALLOW);
	REFUSED(BPF_STMT(BPF_RET | BPF_X, 0));
	REFUSED(BPF_STMT(BPF_MISC | 0x40, 0), ALLOW);
}

/* Loads of memory that some way stores and another does not. */
TEST(memory_by_two_ways)
{
	no_privs();
	REFUSED(LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_ST, 2), BPF_STMT(BPF_LD | BPF_MEM, 2), ALLOW);
	REFUSED(LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 2),
		BPF_STMT(BPF_ST, 2), BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_ST, 2), BPF_STMT(BPF_LD | BPF_MEM, 2), ALLOW);
	REFUSED(LOAD(NR), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_STX, 1),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 0),
		BPF_STMT(BPF_LDX | BPF_MEM, 1), BPF_STMT(BPF_LD | BPF_MEM, 0),
		ALLOW);
}
