/* SPDX-License-Identifier: MIT */
/*
 * Patterns of system-call sites:
 *
 *   A  b8 imm32  0f 05		mov $nr,%eax; syscall		(libc, Go)
 *   A' 48 c7 c0 imm32  0f 05	mov $nr,%rax; syscall
 *   B  0f 05  and at least three bytes of simple instructions, the last of
 *      which may be a short branch or a return		(wrappers, musl, Go)
 *
 *   P  b8 imm32, simple instructions, 0f 05: the last ones move
 *
 * A is replaced from its mov on: the jump is followed by the untouched 0f 05,
 * so code that jumps to the instruction itself still traps. B loses the start
 * of what follows, which moves to the trampoline; it is refused when any
 * branch of the text could lead to a byte inside. The bytes 0f 05 can also be
 * part of another instruction: A wants a plausible number, B an error compare
 * behind it or a plausible number shortly before.
 */
#include "arch/patch.h"
#include "abi/native.h"
#include "arch/insn.h"
#include "lib/string.h"

#define NR_PLAUSIBLE	600u
#define JMP_LEN		5u

static bool is_plausible(uint32_t nr)
{
	return nr < NR_PLAUSIBLE || nr == MICA_SYSCALL;
}

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* Bit 7 of each byte of the result: the byte of w equals b. The lowest set
 * bit is exact, higher ones may be false. */
static inline uint64_t bytes_equal(uint64_t w, uint8_t b)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t x = w ^ (ones * b);

	return (x - ones) & ~x & (ones << 7);
}

/*
 * Next 0f 05 at or after pos; len if none. Looks for 05, which is rarer than
 * 0f, eight bytes at a time.
 */
static size_t next_syscall(const uint8_t *t, size_t len, size_t pos)
{
	for (pos++; pos + 8 <= len; pos += 8) {
		uint64_t w, found;

		__builtin_memcpy(&w, t + pos, 8);
		found = bytes_equal(w, 0x05);
		while (found) {
			size_t i = pos + (size_t)__builtin_ctzll(found) / 8;

			if (t[i] == 0x05 && t[i - 1] == 0x0f)
				return i - 1;
			found &= found - 1;
		}
	}
	for (; pos < len; pos++)
		if (t[pos] == 0x05 && t[pos - 1] == 0x0f)
			return pos - 1;
	return len;
}

static bool is_nop_padding(const uint8_t *p)
{
	return (p[0] == 0x90 && p[1] == 0x90) ||	/* nop; nop */
	       (p[0] == 0x66 && (p[1] == 0x90 || p[1] == 0x2e ||
				 p[1] == 0x0f || p[1] == 0x66)) ||
	       (p[0] == 0x0f && p[1] == 0x1f) ||	/* long nop */
	       (p[0] == 0xcc && p[1] == 0xcc);
}

#define MOVE_MIN	3u	/* the jump needs these behind 0f 05 */
#define NUMBER_WINDOW	24u

/* Is a plausible call number loaded shortly before? Guards against byte
 * pairs that are part of another instruction. */
static bool loads_number(const uint8_t *t, size_t at, size_t floor)
{
	size_t low = at > floor + NUMBER_WINDOW ? at - NUMBER_WINDOW : floor;

	if (at >= low + 2 && (t[at - 2] == 0x31 || t[at - 2] == 0x33) &&
	    t[at - 1] == 0xc0)
		return true;
	for (size_t i = low; i + 5 <= at; i++)
		if (t[i] == 0xb8 && is_plausible(load32(t + i + 1)))
			return true;
	return false;
}

/* Does 0f 05 lie inside the rel32 of a call or jump? */
static bool is_branch_operand(const uint8_t *t, size_t at, size_t floor)
{
	for (size_t back = 1; back <= 3 && at >= floor + back + 1; back++) {
		uint8_t op = t[at - back], before = t[at - back - 1];

		if (op == 0xe8 || op == 0xe9 ||
		    (before == 0x0f && (op & 0xf0) == 0x80))
			return true;
	}
	return false;
}

static bool is_error_compare(const uint8_t *p, size_t room)
{
	if (room >= 6 && p[0] == 0x48 && p[1] == 0x3d)
		return load32(p + 2) >= 0xfffff000u;
	return room >= 5 && p[0] == 0x3d && load32(p + 1) >= 0xfffff000u;
}

/*
 * Does the instruction behind test, compare or copy the result register?
 * Displacements that end in 0f 05 need 80 MiB of distance, so in a smaller
 * text such a pair is an instruction.
 */
static bool is_result_use(const uint8_t *p, size_t room, size_t len)
{
	size_t rex = p[0] == 0x48 || p[0] == 0x49;

	if (len > 64u << 20 || room < rex + 2)
		return false;
	p += rex;
	if (p[0] == 0x85 || p[0] == 0x83)	/* test %rax,%rax; cmp $n */
		return p[1] == (p[0] == 0x85 ? 0xc0 : 0xf8);
	return (p[0] == 0x89 && (p[1] & 0xf8) == 0xc0) ||	/* mov %rax,r */
	       (p[0] == 0x63 && (p[1] & 0xc7) == 0xc0);		/* movslq */
}

/*
 * Choose instructions behind the syscall at `at` to move: at least MOVE_MIN
 * bytes; the last may be a short branch or a return. False: not possible.
 */
static bool choose_moved(const uint8_t *t, size_t len, size_t at, size_t floor,
			 struct patch_site *s)
{
	const uint8_t *p = t + at + 2;
	size_t room = len - at - 2, n = 0, k;

	/* the operand of a branch or an address: 0f 05 00 00 and the like */
	if (room < MOVE_MIN || p[0] == 0 || is_branch_operand(t, at, floor))
		return false;
	if (!is_error_compare(p, room) && !is_result_use(p, room, len) &&
	    !(p[1] && loads_number(t, at, floor)) &&
	    !(room >= 3 && p[0] == 0xc3 && is_nop_padding(p + 1)))
		return false;
	while (n < MOVE_MIN) {
		const uint8_t *q = p + n;

		k = insn_length(q, room - n);
		if (k) {
			n += k;
			continue;
		}
		if (room - n >= 3 && q[0] == 0xc3 &&
		    (n + 1 >= MOVE_MIN || is_nop_padding(q + 1))) {
			n++;
			s->ends_in_return = true;
			break;
		}
		if (room - n < 2 || (q[0] != 0xeb && (q[0] & 0xf0) != 0x70) ||
		    n + 2 < MOVE_MIN)
			return false;
		s->branch = q[0];
		s->branch_to = (size_t)((int64_t)(at + 2 + n + 2) +
					(int8_t)q[1]);
		if (s->branch_to >= len)
			return false;
		break;
	}
	s->is_moved = true;
	s->moved = at + 2;
	s->moved_len = n;
	s->end = at + 2 + n + (s->branch ? 2 : 0);
	return true;
}

/* lea disp32(%rip),reg: its length, 0 if it is something else. */
static size_t rip_lea_length(const uint8_t *p, size_t room)
{
	return room >= 7 && (p[0] & 0xfb) == 0x48 && p[1] == 0x8d &&
	       (p[2] & 0xc7) == 0x05 ? 7 : 0;
}

/*
 * Instructions between the load of a plausible number and the syscall at
 * `at`: when they decode up to it exactly, the last of them (at least
 * MOVE_MIN bytes) can move. False: not so.
 */
static bool choose_before(const uint8_t *t, size_t at, size_t floor,
			  struct patch_site *s)
{
	size_t low = at > floor + NUMBER_WINDOW ? at - NUMBER_WINDOW : floor;

	for (size_t q = low; q + 5 < at; q++) {
		size_t pos = q + 5, start = 0;

		if (t[q] != 0xb8 || !is_plausible(load32(t + q + 1)))
			continue;
		while (pos < at) {
			size_t k = insn_length(t + pos, at - pos);
			size_t lea = k ? 0 : rip_lea_length(t + pos, at - pos);

			/* of those only the very last one can move */
			if (!k && (!lea || (start && pos + lea != at)))
				break;
			k += lea;
			s->is_rip_lea = lea && pos + lea == at;
			if (at - pos >= MOVE_MIN)
				start = pos;
			pos += k;
		}
		if (pos != at || !start ||
		    (s->is_rip_lea && at - start != 7))
			continue;
		s->is_moved = s->is_before = true;
		s->start = s->moved = start;
		s->moved_len = at - start;
		return true;
	}
	s->is_rip_lea = false;
	return false;
}

/* Describe the site whose 0f 05 is at `at`. False: none of the patterns. */
static bool match(const uint8_t *t, size_t len, size_t at, size_t floor,
		  struct patch_site *s)
{
	*s = (struct patch_site){ .end = at + 2 };
	if (at >= floor + 7 && t[at - 7] == 0x48 && t[at - 6] == 0xc7 &&
	    t[at - 5] == 0xc0 && is_plausible(load32(t + at - 4))) {
		s->start = at - 7;
		s->nr = load32(t + at - 4);
		s->has_nr = true;
		return true;
	}
	if (at >= floor + 5 && t[at - 5] == 0xb8 &&
	    is_plausible(load32(t + at - 4)) &&
	    !(at > floor + 5 && t[at - 6] == 0x41)) {
		s->start = at - 5;
		s->nr = load32(t + at - 4);
		s->has_nr = true;
		return true;
	}
	if (choose_before(t, at, floor, s))
		return true;
	s->start = at;
	return choose_moved(t, len, at, floor, s);
}

/* Bytes that the jump overwrites beyond the syscall instruction itself. */
static size_t covered_end(const struct patch_site *s)
{
	return MAX(s->start + JMP_LEN, s->end);
}

#define FILTER_BITS	4096u
#define SHORT_REACH	136u

/* Coarse map of the covered bytes: most branch targets miss it. */
static void filter_add(uint64_t filter[FILTER_BITS / 64], size_t offset)
{
	size_t b = offset / 64 % FILTER_BITS;

	filter[b / 64] |= 1ull << b % 64;
}

static bool filter_has(const uint64_t filter[FILTER_BITS / 64], size_t offset)
{
	size_t b = offset / 64 % FILTER_BITS;

	return filter[b / 64] >> b % 64 & 1;
}

/*
 * A branch leads to `to`: refuse the site whose overwritten bytes hold it. What
 * was moved but lies behind the jump is still there and may be branched to.
 */
static void refuse_target(struct patch_site *sites, size_t n, size_t to)
{
	size_t lo = 0, hi = n;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (sites[mid].start <= to)
			lo = mid;
		else
			hi = mid;
	}
	if (sites[lo].is_moved && to > sites[lo].start &&
	    to < sites[lo].start + JMP_LEN)
		sites[lo].refused = true;
}

/* Short branches around site k that lead into it or a neighbour. */
static void check_short(const uint8_t *t, size_t len, struct patch_site *sites,
			size_t n, size_t k)
{
	size_t at = sites[k].start;
	size_t lo = at > SHORT_REACH ? at - SHORT_REACH : 0;
	size_t hi = MIN(len - 1, at + SHORT_REACH);

	for (size_t i = lo; i < hi; i++) {
		int64_t to = (int64_t)i + 2 + (int8_t)t[i + 1];

		if ((t[i] == 0xeb || (t[i] & 0xf0) == 0x70) && to >= 0 &&
		    (size_t)to > at && (size_t)to < covered_end(&sites[k]))
			refuse_target(sites, n, (size_t)to);
	}
}

static void check_near_at(const uint8_t *t, size_t len, size_t i,
			  struct patch_site *sites, size_t n,
			  const uint64_t *filter)
{
	int64_t to;

	if (i + 6 > len)
		return;
	if (t[i] == 0xe9)
		to = (int64_t)i + 5 + (int32_t)load32(t + i + 1);
	else if (t[i] == 0x0f && (t[i + 1] & 0xf0) == 0x80)
		to = (int64_t)i + 6 + (int32_t)load32(t + i + 2);
	else
		return;
	if ((uint64_t)to < len && filter_has(filter, (size_t)to))
		refuse_target(sites, n, (size_t)to);
}

/*
 * Near jumps (e9, 0f 8x) anywhere. A call never leads into the middle of a
 * function. Words overlap by a byte, so that no pair is cut.
 */
static void check_near(const uint8_t *t, size_t len, struct patch_site *sites,
		       size_t n, const uint64_t *filter)
{
	const uint64_t nibbles = 0xf0f0f0f0f0f0f0f0ull;
	size_t i;

	for (i = 0; i + 8 <= len; i += 7) {
		uint64_t w, found;

		__builtin_memcpy(&w, t + i, 8);
		found = bytes_equal(w, 0xe9) |
			(bytes_equal(w, 0x0f) &
			 bytes_equal(w & nibbles, 0x80) >> 8);
		while (unlikely(found)) {
			size_t k = (size_t)__builtin_ctzll(found) / 8;

			check_near_at(t, len, i + k, sites, n, filter);
			found &= found - 1;
		}
	}
	for (; i < len; i++)
		check_near_at(t, len, i, sites, n, filter);
}

size_t patch_find(const uint8_t *text, size_t len, struct patch_site *sites,
		  size_t max, size_t *nr_seen)
{
	size_t at = 0, floor = 0, n = 0;

	*nr_seen = 0;
	while (n < max && (at = next_syscall(text, len, at)) < len) {
		struct patch_site *s = &sites[n];

		++*nr_seen;
		if (!match(text, len, at, floor, s) || covered_end(s) > len) {
			at += 2;
			continue;
		}
		at = floor = covered_end(s);
		n++;
	}
	return n;
}

void patch_check_branches(const uint8_t *text, size_t len,
			  struct patch_site *sites, size_t n)
{
	uint64_t filter[FILTER_BITS / 64] = { 0 };
	bool any = false;

	for (size_t k = 0; k < n; k++) {
		if (!sites[k].is_moved)
			continue;
		any = true;
		filter_add(filter, sites[k].start);
		filter_add(filter, covered_end(&sites[k]));
		check_short(text, len, sites, n, k);
	}
	if (any)
		check_near(text, len, sites, n, filter);
}

struct emitter {
	uint8_t *buf;
	size_t pos;
	int64_t distance;	/* address(buf) - address(text) */
};

static void emit(struct emitter *e, const uint8_t *bytes, size_t n)
{
	memcpy(e->buf + e->pos, bytes, n);
	e->pos += n;
}

static void emit32(struct emitter *e, uint32_t v)
{
	store32(e->buf + e->pos, v);
	e->pos += 4;
}

/* rel32 to a text offset, counted from behind these four bytes */
static void emit_rel_text(struct emitter *e, size_t text_offset)
{
	emit32(e, (uint32_t)((int64_t)text_offset -
			     (e->distance + (int64_t)e->pos + 4)));
}

static void emit_trampoline(struct emitter *e, const uint8_t *t,
			    const struct patch_site *s, uint32_t slot)
{
	static const uint8_t lea_rcx[] = { 0x48, 0x8d, 0x0d };
	static const uint8_t jmp_gs[] = { 0x65, 0xff, 0x24, 0x25 };
	static const uint8_t mov_eax = 0xb8, jmp = 0xe9;
	static const uint8_t call[] = { 0x0f, 0x05 };

	if (s->is_rip_lea) {
		emit(e, t + s->moved, 3);
		emit_rel_text(e, s->moved + 7 + (size_t)(int64_t)
			      (int32_t)load32(t + s->moved + 3));
	} else if (s->is_before) {
		emit(e, t + s->moved, s->moved_len);
	}
	if (s->has_nr) {
		emit(e, &mov_eax, 1);
		emit32(e, s->nr);
	}
	emit(e, lea_rcx, sizeof(lea_rcx));
	if (!s->is_moved)
		emit_rel_text(e, s->end);
	else
		emit32(e, 8 + 2);	/* over the jump and the syscall */
	emit(e, jmp_gs, sizeof(jmp_gs));
	emit32(e, slot);
	if (!s->is_moved)
		return;
	emit(e, call, sizeof(call));
	if (!s->is_before)
		emit(e, t + s->moved, s->moved_len);
	if (s->branch && s->branch != 0xeb) {
		const uint8_t jcc[2] = { 0x0f, (uint8_t)(s->branch + 0x10) };

		emit(e, jcc, sizeof(jcc));
		emit_rel_text(e, s->branch_to);
	}
	if (s->ends_in_return)
		return;
	emit(e, &jmp, 1);
	emit_rel_text(e, s->branch == 0xeb ? s->branch_to : s->end);
}

size_t patch_apply(uint8_t *text, size_t len, uint8_t *tail, size_t tail_max,
		   int64_t distance, uint32_t entry_slot,
		   const struct patch_site *sites, size_t n)
{
	struct emitter e = { tail, 0, distance };

	for (size_t i = 0; i < n; i++) {
		const struct patch_site *s = &sites[i];
		uint8_t jmp[JMP_LEN] = { 0xe9 };

		if (s->refused || e.pos + PATCH_TRAMPOLINE_MAX > tail_max)
			continue;
		store32(jmp + 1, (uint32_t)(distance + (int64_t)e.pos -
					    (int64_t)(s->start + JMP_LEN)));
		emit_trampoline(&e, text, s, entry_slot);
		memcpy(text + s->start, jmp, sizeof(jmp));
	}
	return e.pos;
}
