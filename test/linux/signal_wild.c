/* SPDX-License-Identifier: MIT */
/*
 * Going on at addresses where no program can be: wild handlers and signal
 * frames end the program (or reach its handler), nothing more.
 */
#include "harness.h"

#include <ucontext.h>

#define NOWHERE 0x8888000000000000ul

static void wild_rip(int sig, siginfo_t *info, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (long)NOWHERE;
}

static void wild_rsp(int sig, siginfo_t *info, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP] = (long)NOWHERE;
}

static void tell(int sig, siginfo_t *info, void *context)
{
	say("%s, code %d, address %s", sig_name(sig), info->si_code,
	    info->si_addr ? "some" : "none");
	_exit(5);
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction a = { .sa_flags = SA_SIGINFO };

	a.sa_sigaction = fn;
	must(sigaction(sig, &a, NULL));
}

static int raise_with(void *fn)
{
	handle(SIGUSR1, (void (*)(int, siginfo_t *, void *))fn);
	raise(SIGUSR1);
	return 0;
}

static int raise_and_tell(void *fn)
{
	handle(SIGSEGV, tell);
	return raise_with(fn);
}

TEST(frame_with_wild_rip)
{
	show_exit("child", spawn(raise_with, (void *)wild_rip));
	show_exit("child", spawn(raise_and_tell, (void *)wild_rip));
}

TEST(frame_with_wild_rsp)
{
	show_exit("child", spawn(raise_with, (void *)wild_rsp));
}

TEST(wild_handler)
{
	show_exit("child", spawn(raise_with, (void *)NOWHERE));
	show_exit("child", spawn(raise_and_tell, (void *)NOWHERE));
}
