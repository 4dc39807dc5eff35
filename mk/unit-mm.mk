# SPDX-License-Identifier: MIT
# Unit tests of program loading and of what address spaces stand on.
UNIT_MM_PROGS := $(UNIT_OUT)/avl_test $(UNIT_OUT)/elf_test
UNIT_PROGS += $(UNIT_MM_PROGS)
UNIT_MM_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wshadow \
	-Wno-unused-parameter -iquote kernel -iquote . \
	-fsanitize=address,undefined -fno-sanitize-recover=all

check-unit: $(UNIT_MM_PROGS)

$(UNIT_OUT)/avl_test: test/unit/lib/avl_test.c kernel/lib/avl.c \
		kernel/lib/avl.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_MM_CFLAGS) -o $@ $(filter %.c,$^)

$(UNIT_OUT)/elf_test: test/unit/linux/elf_test.c kernel/linux/elf.c \
		kernel/linux/elf.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_MM_CFLAGS) -o $@ $(filter %.c,$^)
