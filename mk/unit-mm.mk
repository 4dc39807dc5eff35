# SPDX-License-Identifier: MIT
# Unit tests of program loading and of what address spaces stand on.
UNIT_MM_PROGS := $(UNIT_OUT)/avl_test $(UNIT_OUT)/elf_test \
	$(UNIT_OUT)/string_test
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

# As the kernel has it, beside the C library's.
$(UNIT_OUT)/string_test: test/unit/lib/string_test.c kernel/lib/string.c \
		$(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_BASE_CFLAGS) $(KERNEL_INC) \
		-iquote kernel/platform/process -c -o $@.kernel.o \
		kernel/lib/string.c
	$(Q)objcopy --prefix-symbols=mica_ $@.kernel.o
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -fno-builtin -o $@ $< \
		$@.kernel.o
