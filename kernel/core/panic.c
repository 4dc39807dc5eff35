/* SPDX-License-Identifier: MIT */
/*
 * Reports of the kernel's own broken promises. The backtrace follows frame
 * pointers inside the task's own stack and names functions from the symbol
 * table that the build puts behind the text (see mk/kernel.mk).
 */
#include "core/panic.h"
#include "core/symbols.h"
#include "core/task.h"
#include "lib/string.h"
#include "platform/platform.h"

static struct task *reporter;	/* atomic: who panicked first */
static uint32_t again;		/* reports within reports; only reporter's */

static void report_v(const char *prefix, const char *fmt, va_list ap)
{
	char line[512];
	int n = scnprintf(line, sizeof(line), "%s", prefix);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);

	n = MIN(n + m, (int)sizeof(line) - 2);
	line[n++] = '\n';
	plat_log(line, (size_t)n);
}

bool is_panicking(void)
{
	return __atomic_load_n(&reporter, __ATOMIC_ACQUIRE);
}

void klog(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_v("mica: ", fmt, ap);
	va_end(ap);
}

static void report_frame(uint64_t pc)
{
	char name[SYMBOL_NAME_MAX];
	uint64_t off;
	bool found = symbol_find(pc, name, &off);

	klog("  %p %s+%#lx", (void *)pc, found ? name : "?", off);
}

static void backtrace(uint64_t *fp)
{
	struct task *t = current_task();
	uint64_t low = (uint64_t)t, high = low + TASK_BLOCK_SIZE;

	for (int i = 0; i < 24; i++) {
		if ((uint64_t)fp < low || (uint64_t)fp + 16 > high ||
		    (uint64_t)fp % 8)
			break;
		report_frame(fp[1]);
		if (fp[0] <= (uint64_t)fp)
			break;
		fp = (uint64_t *)fp[0];
	}
}

static void panic_v(uint64_t pc, uint64_t fp, const char *fmt, va_list ap)
	__noreturn;

static void panic_v(uint64_t pc, uint64_t fp, const char *fmt, va_list ap)
{
	struct task *t = current_task(), *first = NULL;

	/* only the first report is shown; the others wait for the end */
	if (!__atomic_compare_exchange_n(&reporter, &first, t, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		if (first == t) {
			/* the report itself fails; and this one, perhaps */
			if (!again++)
				report_v("mica: kernel panic during the report "
					 "of one: ", fmt, ap);
			plat_stop(125);
		}
		for (;;)
			plat_relax();
	}
	report_v("mica: kernel panic: ", fmt, ap);
	klog("task %u \"%s\" (%s task)", t->id, t->name,
	     t->kind == TASK_SYSTEM ? "system" : "user");
	if (pc)
		report_frame(pc);
	backtrace((uint64_t *)fp);
	plat_stop(125);
}

void panic_at(uint64_t pc, uint64_t fp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_v(pc, fp, fmt, ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_v(0, (uint64_t)__builtin_frame_address(0), fmt, ap);
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("assertion failed: %s (%s:%d)", expr, file, line);
}
