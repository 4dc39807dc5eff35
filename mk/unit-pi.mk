# SPDX-License-Identifier: MIT
# Unit tests of priority inheritance, as on a platform that schedules.
UNIT_PI_PROGS := $(UNIT_OUT)/pi_test
UNIT_PROGS += $(UNIT_PI_PROGS)
UNIT_PI_CFLAGS = $(UNIT_KERNEL_CFLAGS) -Wno-missing-prototypes \
	-DPLAT_SCHEDULES=1

check-unit: $(UNIT_PI_PROGS)

$(UNIT_OUT)/pi_test: test/unit/core/pi_test.c kernel/core/pi.c \
		$(wildcard kernel/core/*.h) test/unit/fs/fake.h $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_PI_CFLAGS) -o $@ \
		$(filter %.c,$^)
