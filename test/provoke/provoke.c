/* SPDX-License-Identifier: MIT */
/*
 * Bugs in the kernel, on request: linked into a kernel of its own
 * (mk/test-provoke.mk) in place of plat_test_call, which programs reach when
 * the sandbox was started with --test-hook. args[0]: enum provoke, args[1]: in
 * whom (enum provoke_whom).
 */
#include "core/heap.h"
#include "core/panic.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/platform.h"
#include "provoke.h"

long __wrap_plat_test_call(const uint64_t args[7]);

static volatile uint64_t depth;

/* Down to the address `end`. Not a loop: each call keeps its frame. */
static uint64_t recurse(uint64_t end)
{
	volatile uint64_t room[32];

	kfree(kmalloc(16));
	for (uint32_t i = 0; i < ARRAY_LEN(room); i++)
		room[i] = ++depth;
	if ((uint64_t)room < end)
		return 0;
	return recurse(end) + room[depth % ARRAY_LEN(room)];
}

static void bad_stack(void)
{
	__asm__ volatile("mov %0, %%rsp\n\tpush %%rax"
			 : : "r"(16ul) : "memory");
}

static void provoke(enum provoke what)
{
	static uint8_t data[16] = { 0xc3 };
	void (*volatile run)(void) = (void (*)(void))(void *)data;
	volatile uint64_t *volatile wild = (void *)(uintptr_t)0x10;
	static const char *volatile text = (const char *)0x18;

	switch (what) {
	case PROVOKE_ASSERT:
		assert(what != PROVOKE_ASSERT);
		break;
	case PROVOKE_NULL:
		*wild = 1;
		break;
	case PROVOKE_TEXT:
		wild = (void *)(uintptr_t)provoke;
		*wild = 0;
		break;
	case PROVOKE_DATA:
		run();
		break;
	case PROVOKE_INVALID:
		__asm__ volatile("ud2");
		break;
	case PROVOKE_OVERFLOW:
		/* into page 1 of the block, not into struct task */
		recurse((uint64_t)current_task() + PAGE_SIZE + 2048);
		break;
	case PROVOKE_STACK:
		bad_stack();
		break;
	case PROVOKE_TWICE:
		panic("with a bad text: %s", text);
	case PROVOKE_NONE:
		break;
	}
}

static void system_main(void *arg)
{
	provoke((enum provoke)(uintptr_t)arg);
	for (;;)
		task_park(DEADLINE_NEVER, false);
}

long __wrap_plat_test_call(const uint64_t args[7])
{
	int err;

	if (args[1] == PROVOKE_IN_CALL) {
		provoke((enum provoke)args[0]);
		return 0;
	}
	err = task_start_system("provoked", system_main,
				(void *)(uintptr_t)args[0], NULL);
	while (!err && !task_has_work())
		task_park(DEADLINE_NEVER, true);
	return err;
}
