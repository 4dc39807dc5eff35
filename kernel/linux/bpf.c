/* SPDX-License-Identifier: MIT */
/* Checks and runs classic BPF: bpf.h. A program comes from outside. */
#include "linux/bpf.h"

#define OPERAND_IS_X(code)	(BPF_SRC(code) == BPF_X)

/* What may be in a program besides its operands. */
static bool is_known(uint32_t code)
{
	switch (BPF_CLASS(code)) {
	case BPF_LD:
		return code == (BPF_LD | BPF_W | BPF_ABS) ||
		       code == (BPF_LD | BPF_W | BPF_LEN) ||
		       code == (BPF_LD | BPF_IMM) || code == (BPF_LD | BPF_MEM);
	case BPF_LDX:
		return code == (BPF_LDX | BPF_W | BPF_LEN) ||
		       code == (BPF_LDX | BPF_IMM) ||
		       code == (BPF_LDX | BPF_MEM);
	case BPF_ST:
	case BPF_STX:
		return code == BPF_CLASS(code);
	case BPF_ALU:
		if (code & ~0xffu || BPF_OP(code) > BPF_XOR ||
		    BPF_OP(code) == BPF_MOD)
			return false;
		return BPF_OP(code) != BPF_NEG || !OPERAND_IS_X(code);
	case BPF_JMP:
		if (code & ~0xffu || BPF_OP(code) > BPF_JSET)
			return false;
		return BPF_OP(code) != BPF_JA || !OPERAND_IS_X(code);
	case BPF_RET:
		return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
	default:
		return code == (BPF_MISC | BPF_TAX) ||
		       code == (BPF_MISC | BPF_TXA);
	}
}

/* left: the instructions behind it. */
static bool is_operand_good(const struct sock_filter *i, uint32_t left,
			    uint32_t words)
{
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return !(i->k & 3) && i->k / 4 < words;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return i->k < BPF_MEMWORDS;
	case BPF_ALU | BPF_DIV | BPF_K:
		return i->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return i->k < 32;
	case BPF_JMP | BPF_JA:
		return i->k < left;
	default:
		return BPF_CLASS(i->code) != BPF_JMP ||
		       (i->jt < left && i->jf < left);
	}
}

/*
 * Is no word of memory loaded that may not have been stored? Jumps only lead
 * forward, so one pass does: told[n] has the words that are stored on every
 * jump to n, seen so far.
 */
static bool is_memory_stored(const struct sock_filter *code, uint32_t len,
			     uint16_t *told)
{
	uint16_t stored = 0;

	for (uint32_t n = 0; n < len; n++)
		told[n] = 0xffff;
	for (uint32_t n = 0; n < len; n++) {
		const struct sock_filter *i = &code[n];

		stored &= told[n];
		switch (BPF_CLASS(i->code)) {
		case BPF_ST:
		case BPF_STX:
			stored |= (uint16_t)(1u << i->k);
			break;
		case BPF_LD:
		case BPF_LDX:
			if (BPF_MODE(i->code) == BPF_MEM &&
			    !(stored >> i->k & 1))
				return false;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA) {
				told[n + 1 + i->k] &= stored;
			} else {
				told[n + 1 + i->jt] &= stored;
				told[n + 1 + i->jf] &= stored;
			}
			stored = 0xffff;	/* nothing falls through */
			break;
		default:
			break;
		}
	}
	return true;
}

bool bpf_is_valid(const struct sock_filter *code, uint32_t len, uint32_t words,
		  uint16_t *scratch)
{
	if (!len || len > BPF_MAXINSNS ||
	    BPF_CLASS(code[len - 1].code) != BPF_RET)
		return false;
	for (uint32_t n = 0; n < len; n++)
		if (!is_known(code[n].code) ||
		    !is_operand_good(&code[n], len - 1 - n, words))
			return false;
	return is_memory_stored(code, len, scratch);
}

/* False: a division by 0. */
static bool compute(uint32_t op, uint32_t *a, uint32_t by)
{
	switch (op) {
	case BPF_ADD:
		*a += by;
		break;
	case BPF_SUB:
		*a -= by;
		break;
	case BPF_MUL:
		*a *= by;
		break;
	case BPF_DIV:
		if (!by)
			return false;
		*a /= by;
		break;
	case BPF_OR:
		*a |= by;
		break;
	case BPF_AND:
		*a &= by;
		break;
	case BPF_LSH:
		*a <<= by & 31;
		break;
	case BPF_RSH:
		*a >>= by & 31;
		break;
	case BPF_NEG:
		*a = -*a;
		break;
	default:
		*a ^= by;
	}
	return true;
}

static bool compares(uint32_t op, uint32_t a, uint32_t with)
{
	switch (op) {
	case BPF_JEQ:
		return a == with;
	case BPF_JGT:
		return a > with;
	case BPF_JGE:
		return a >= with;
	default:
		return a & with;
	}
}

uint32_t bpf_run(const struct sock_filter *code, const uint32_t *data,
		 uint32_t words)
{
	uint32_t a = 0, x = 0, v, memory[BPF_MEMWORDS];

	for (const struct sock_filter *i = code;; i++) {
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
		case BPF_LDX:
			v = BPF_MODE(i->code) == BPF_ABS ? data[i->k / 4] :
			    BPF_MODE(i->code) == BPF_LEN ? words * 4 :
			    BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k;
			*(BPF_CLASS(i->code) == BPF_LD ? &a : &x) = v;
			break;
		case BPF_ST:
			memory[i->k] = a;
			break;
		case BPF_STX:
			memory[i->k] = x;
			break;
		case BPF_ALU:
			if (!compute(BPF_OP(i->code), &a,
				     OPERAND_IS_X(i->code) ? x : i->k))
				return 0;
			break;
		case BPF_JMP:
			v = OPERAND_IS_X(i->code) ? x : i->k;
			i += BPF_OP(i->code) == BPF_JA ? i->k :
			     compares(BPF_OP(i->code), a, v) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return i->code == (BPF_RET | BPF_A) ? a : i->k;
		default:
			if (i->code == (BPF_MISC | BPF_TAX))
				x = a;
			else
				a = x;
		}
	}
}
