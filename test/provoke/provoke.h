/* SPDX-License-Identifier: MIT */
/* What test/provoke/program.c asks of test/provoke/provoke.c. */
#pragma once

enum provoke {
	PROVOKE_NONE,
	PROVOKE_ASSERT,		/* a failing assertion */
	PROVOKE_NULL,		/* a write through a null pointer */
	PROVOKE_TEXT,		/* a write to the kernel's code */
	PROVOKE_DATA,		/* a jump into the kernel's data */
	PROVOKE_INVALID,	/* an invalid instruction */
	PROVOKE_OVERFLOW,	/* a recursion without end */
	PROVOKE_STACK,		/* a stack pointer to nowhere */
	PROVOKE_TWICE,		/* a fault while a panic is reported */
};

enum provoke_whom {
	PROVOKE_IN_CALL,	/* in a system call of the program */
	PROVOKE_IN_TASK,	/* in a system task */
};
