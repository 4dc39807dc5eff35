# SPDX-License-Identifier: MIT
# The jail of the monitor's threads, without a monitor. No sanitizers: they make
# host calls of their own.
UNIT_JAIL_SRC := test/unit/tender/confine_test.c tender/kvm/confine.c \
	tender/kvm/hostcalls.c tender/util/hostcall.c tender/util/err.c
UNIT_PROGS += $(UNIT_OUT)/confine_test
check-unit: $(UNIT_OUT)/confine_test

$(UNIT_OUT)/confine_test: $(UNIT_JAIL_SRC) tender/kvm/confine.h \
		tender/util/hostcall.h mk/unit-jail.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -Wno-missing-prototypes -Itender -I. -o $@ \
		$(UNIT_JAIL_SRC)
