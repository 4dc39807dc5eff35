/* SPDX-License-Identifier: MIT */
/*
 * Formatted output into a buffer: the part of printf that kernel messages and
 * /proc files use. No floating point, no allocation.
 */
#include "lib/string.h"

struct out {
	char *buf;
	size_t size, pos;	/* pos may pass size: counts what was wanted */
};

struct spec {
	bool left, zero, plus, alt, upper;
	int width, precision;	/* precision -1 = none */
	int longs;
};

static void put(struct out *o, char c)
{
	if (o->pos + 1 < o->size)
		o->buf[o->pos] = c;
	o->pos++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v,
		       unsigned int base, bool negative)
{
	char tmp[24];
	int n = 0, sign = negative || s->plus, zeros, prefix;

	do {
		/* by constants: a division by a variable is slow */
		uint64_t rest = base == 10 ? v / 10 : v >> (base == 16 ? 4 : 3);
		unsigned int d = (unsigned int)(v - rest * base);

		tmp[n++] = (char)(d < 10 ? '0' + d :
				  (s->upper ? 'A' : 'a') + d - 10);
		v = rest;
	} while (v);
	prefix = s->alt && base == 16 ? 2 : 0;
	zeros = s->precision > n ? s->precision - n : 0;
	if (s->zero && !s->left && s->precision < 0 &&
	    s->width > n + sign + prefix)
		zeros = s->width - n - sign - prefix;
	if (!s->left)
		pad(o, ' ', s->width - n - sign - zeros - prefix);
	if (sign)
		put(o, negative ? '-' : '+');
	if (prefix) {
		put(o, '0');
		put(o, 'x');
	}
	pad(o, '0', zeros);
	for (int i = n; i-- > 0;)
		put(o, tmp[i]);
	if (s->left)
		pad(o, ' ', s->width - n - sign - zeros - prefix);
}

static void put_string(struct out *o, const struct spec *s, const char *str)
{
	size_t len;

	if (!str)
		str = "(null)";
	len = s->precision >= 0 ? strnlen(str, (size_t)s->precision) :
				  strlen(str);
	if (!s->left)
		pad(o, ' ', s->width - (int)len);
	for (size_t i = 0; i < len; i++)
		put(o, str[i]);
	if (s->left)
		pad(o, ' ', s->width - (int)len);
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '+')
			s->plus = true;
		else if (*f == '#')
			s->alt = true;
		else if (*f != ' ')
			return f;
	}
}

/* Fixed arguments only travel by va_list pointer through the parser. */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *f, struct spec *s, struct args *a)
{
	*s = (struct spec){ .precision = -1 };
	f = parse_flags(f, s);
	if (*f == '*') {
		s->width = va_arg(a->ap, int);
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = s->width * 10 + (*f - '0');
	if (*f == '.') {
		s->precision = 0;
		f++;
		if (*f == '*') {
			s->precision = va_arg(a->ap, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			s->precision = s->precision * 10 + (*f - '0');
	}
	for (; *f == 'l' || *f == 'z' || *f == 'j' || *f == 'h'; f++)
		if (*f != 'h')
			s->longs++;
	return f;
}

static void put_one(struct out *o, char conv, struct spec *s, struct args *a)
{
	int64_t v;
	char c[2] = { 0, 0 };

	switch (conv) {
	case 'd':
	case 'i':
		v = s->longs ? va_arg(a->ap, int64_t) : va_arg(a->ap, int);
		put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10,
			   v < 0);
		break;
	case 'X':
		s->upper = true;
		fallthrough;
	case 'x':
	case 'u':
	case 'o':
		put_number(o, s, s->longs ? va_arg(a->ap, uint64_t) :
					    va_arg(a->ap, unsigned int),
			   conv == 'u' ? 10 : conv == 'o' ? 8 : 16, false);
		break;
	case 'p':
		s->alt = true;
		put_number(o, s, (uintptr_t)va_arg(a->ap, void *), 16, false);
		break;
	case 's':
		put_string(o, s, va_arg(a->ap, const char *));
		break;
	case 'c':
		c[0] = (char)va_arg(a->ap, int);
		if (c[0])
			put_string(o, s, c);
		else
			put(o, 0);
		break;
	default:
		put(o, conv);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	struct args a;
	struct spec s;

	va_copy(a.ap, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &a);
		if (!*fmt)
			break;
		put_one(&o, *fmt, &s, &a);
	}
	va_end(a.ap);
	if (size)
		buf[MIN(o.pos, size - 1)] = 0;
	return (int)o.pos;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size && (size_t)n >= size ? (int)size - 1 : n;
}
