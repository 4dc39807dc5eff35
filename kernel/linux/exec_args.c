/* SPDX-License-Identifier: MIT */
/* Arguments and environment of exec, copied into the kernel; script lines. */
#include "linux/exec_priv.h"
#include "arch/uaccess.h"
#include "core/heap.h"
#include "lib/string.h"
#include "linux/mm_priv.h"
#include <linux/resource.h>

#define STRING_MAX	131072u		/* MAX_ARG_STRLEN, with the NUL */
#define ARGS_MIN	131072u
#define ARGS_MAX	(6u << 20)	/* 3/4 of the default stack limit */
#define CHUNK		512u

void exec_set_args_max(struct exec *e)
{
	uint64_t limit = mm_limit(RLIMIT_STACK) / 4;

	e->args_max = MAX(MIN(limit, (uint64_t)ARGS_MAX), (uint64_t)ARGS_MIN);
}

static int make_room(struct strings *s, size_t n)
{
	size_t cap = s->cap ? s->cap : 2048;
	char *p;

	if (s->len + n <= s->cap)
		return 0;
	while (cap < s->len + n)
		cap *= 2;
	p = krealloc(s->buf, cap);
	if (!p)
		return -ENOMEM;
	s->buf = p;
	s->cap = cap;
	return 0;
}

static bool fits(const struct exec *e, size_t more)
{
	size_t used = e->argv.len + e->envp.len +
		      (e->argv.nr + e->envp.nr) * sizeof(uint64_t);

	return used + more + sizeof(uint64_t) <= e->args_max;
}

int strings_add(struct exec *e, struct strings *s, const char *str, size_t len)
{
	int err;

	if (len + 1 > STRING_MAX || !fits(e, len + 1))
		return -E2BIG;
	err = make_room(s, len + 1);
	if (err)
		return err;
	memcpy(s->buf + s->len, str, len);
	s->buf[s->len + len] = 0;
	s->len += len + 1;
	s->nr++;
	return 0;
}

/* Copies straight to the end of the buffer, in growing steps. */
static int add_user_string(struct exec *e, struct strings *s, uint64_t user)
{
	size_t done = 0, step = CHUNK;

	for (;;) {
		ssize_t n;
		int err = make_room(s, done + step);

		if (err)
			return err;
		n = strncpy_from_user(s->buf + s->len + done,
				      (const char *)user + done, step);
		if (n == -ENAMETOOLONG) {
			done += step;
			if (done >= STRING_MAX || !fits(e, done))
				return -E2BIG;
			step = MIN(done, (size_t)STRING_MAX - done);
			continue;
		}
		if (n < 0)
			return (int)n;
		done += (size_t)n + 1;
		if (!fits(e, done))
			return -E2BIG;
		s->len += done;
		s->nr++;
		return 0;
	}
}

int strings_add_user(struct exec *e, struct strings *s, uint64_t array)
{
	uint64_t str;
	int err;

	for (; array; array += sizeof(str)) {
		if (user_load64((const uint64_t *)array, &str))
			return -EFAULT;
		if (!str)
			break;
		err = add_user_string(e, s, str);
		if (err)
			return err;
	}
	return 0;
}

void strings_fini(struct strings *s)
{
	kfree(s->buf);
	*s = (struct strings){ NULL, 0, 0, 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Split "#! interpreter argument". arg NULL: none. */
static int split_line(char *line, size_t n, size_t line_max, char **interp,
		      char **arg)
{
	char *end = memchr(line, '\n', n), *p;
	bool cut = !end && n == line_max;

	if (!end)
		end = line + n;
	while (end > line && is_blank(end[-1]))
		end--;
	*end = 0;
	for (p = line + 2; is_blank(*p); p++)
		;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && !is_blank(*p))
		p++;
	/* a name that runs to the end of what was read may be incomplete */
	if (!*p && cut)
		return -ENOEXEC;
	*arg = NULL;
	if (*p) {
		*p++ = 0;
		while (is_blank(*p))
			p++;
		if (*p)
			*arg = p;
	}
	return 0;
}

int exec_take_script(struct exec *e, char *line, size_t n, size_t line_max,
		     const char *script, char **interp)
{
	struct strings old = e->argv;
	size_t first;
	char *arg;
	int err = split_line(line, n, line_max, interp, &arg);

	if (err)
		return err;
	e->argv = (struct strings){ NULL, 0, 0, 0 };
	err = strings_add(e, &e->argv, *interp, strlen(*interp));
	if (!err && arg)
		err = strings_add(e, &e->argv, arg, strlen(arg));
	if (!err)
		err = strings_add(e, &e->argv, script, strlen(script));
	first = old.nr ? strlen(old.buf) + 1 : 0;
	if (!err && old.len > first) {
		size_t rest = old.len - first;

		err = fits(e, rest + (old.nr - 1) * sizeof(uint64_t)) ?
		      make_room(&e->argv, rest) : -E2BIG;
		if (!err) {
			memcpy(e->argv.buf + e->argv.len, old.buf + first,
			       rest);
			e->argv.len += rest;
			e->argv.nr += old.nr - 1;
		}
	}
	strings_fini(&old);
	return err;
}
