/* SPDX-License-Identifier: MIT */
/*
 * A decoder for a small part of the instruction set (Intel SDM volume 2,
 * chapter 2 and appendix A): integer moves, arithmetic and compares with an
 * optional REX prefix. What it does not know it refuses.
 */
#include "arch/insn.h"

/* Operand shapes of one-byte opcodes. */
enum shape { UNKNOWN, MODRM, MODRM_IMM8, MODRM_IMM32, IMM8, IMM32, NONE };

static enum shape shape_of(uint8_t op)
{
	/* add or adc sbb and sub xor cmp: r/m,r r,r/m al,imm8 eax,imm32 */
	if (op < 0x40) {
		switch (op & 7) {
		case 0: case 1: case 2: case 3:
			return MODRM;
		case 4:
			return IMM8;
		case 5:
			return IMM32;
		default:
			return UNKNOWN;
		}
	}
	if (op >= 0x50 && op <= 0x5f)		/* push, pop */
		return NONE;
	if (op >= 0xb8 && op <= 0xbf)		/* mov $imm32,reg */
		return IMM32;
	switch (op) {
	case 0x63: case 0x84: case 0x85: case 0x88: case 0x89: case 0x8a:
	case 0x8b: case 0x8d:
		return MODRM;
	case 0x80: case 0x83: case 0xc0: case 0xc1: case 0xc6:
		return MODRM_IMM8;
	case 0x81: case 0xc7:
		return MODRM_IMM32;
	case 0xa8:
		return IMM8;
	case 0xa9:
		return IMM32;
	case 0x90: case 0x98: case 0x99:
		return NONE;
	default:
		return UNKNOWN;
	}
}

/* Length of ModRM, SIB and displacement; 0: rip-relative or cut off. */
static size_t modrm_length(const uint8_t *p, size_t room)
{
	uint8_t mod, rm;
	size_t n = 1;

	if (!room)
		return 0;
	mod = p[0] >> 6;
	rm = p[0] & 7;
	if (mod == 3)
		return 1;
	if (mod == 0 && rm == 5)
		return 0;
	if (rm == 4) {
		if (room < 2)
			return 0;
		n++;
		if (mod == 0 && (p[1] & 7) == 5)
			n += 4;
	}
	if (mod == 1)
		n += 1;
	else if (mod == 2)
		n += 4;
	return n;
}

size_t insn_length(const uint8_t *p, size_t room)
{
	size_t n = 0, m;
	bool wide = false;
	enum shape s;

	if (room && (p[0] & 0xf0) == 0x40) {
		wide = p[0] & 8;
		n++;
	}
	if (n >= room)
		return 0;
	/* f7 /2, /3: not, neg; 0f b6/b7/be/bf: widening moves */
	if (p[n] == 0xf7 && n + 1 < room && (p[n + 1] & 0xf0) == 0xd0)
		return n + 2;
	if (p[n] == 0x0f && n + 2 < room && (p[n + 1] & 0xf6) == 0xb6) {
		m = modrm_length(p + n + 2, room - n - 2);
		return m && n + 2 + m <= room ? n + 2 + m : 0;
	}
	s = shape_of(p[n]);
	if (p[n] >= 0xb8 && p[n] <= 0xbf && wide)
		return 0;		/* mov $imm64 */
	n++;
	if (s == MODRM || s == MODRM_IMM8 || s == MODRM_IMM32) {
		m = modrm_length(p + n, room - n);
		if (!m)
			return 0;
		n += m;
	}
	if (s == UNKNOWN)
		return 0;
	n += s == IMM8 || s == MODRM_IMM8 ? 1 :
	     s == IMM32 || s == MODRM_IMM32 ? 4 : 0;
	return n <= room ? n : 0;
}
