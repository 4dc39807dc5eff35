# SPDX-License-Identifier: MIT
# Unit tests of priority inheritance.
UNIT_PI_PROGS := $(UNIT_OUT)/pi_test
UNIT_PROGS += $(UNIT_PI_PROGS)
UNIT_PI_CFLAGS = $(UNIT_KERNEL_CFLAGS) -Wno-missing-prototypes

check-unit: $(UNIT_PI_PROGS)

$(UNIT_OUT)/pi_test: test/unit/core/pi_test.c test/unit/tap.c kernel/core/pi.c \
		$(wildcard kernel/core/*.h) test/unit/fs/fake.h test/unit/tap.h \
		$(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_PI_CFLAGS) -o $@ \
		$(filter %.c,$^)

# The known race, as it is and with the mistake in it.
UNIT_PI_RACE_SRC := test/unit/linux/pi_race_test.c kernel/linux/futex_pi.c \
	kernel/core/pi.c kernel/core/futex.c kernel/core/lock.c \
	kernel/core/wait.c kernel/lib/string.c kernel/lib/printf.c \
	test/unit/fs/fake.c test/unit/tap.c
UNIT_PI_RACE_PROGS := $(UNIT_OUT)/pi_race_test $(UNIT_OUT)/pi_race_bug
UNIT_PROGS += $(UNIT_PI_RACE_PROGS)
check-unit: $(UNIT_PI_RACE_PROGS)

$(UNIT_OUT)/pi_race_bug: UNIT_PI_BUG := -DMICA_BUG_PI_RACE
$(UNIT_PI_RACE_PROGS): $(UNIT_PI_RACE_SRC) $(wildcard kernel/core/*.h) \
		kernel/linux/futex_calls.h kernel/linux/process.h $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fsanitize%,$(UNIT_KERNEL_CFLAGS)) -O2 \
		-Wno-missing-prototypes $(UNIT_PI_BUG) -o $@ \
		$(filter %.c,$^) -lpthread
