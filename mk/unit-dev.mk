# SPDX-License-Identifier: MIT
# Unit tests of the tender's device models, all in one program.
UNIT_DEV_SRC := $(filter-out tender/dev/fs% tender/dev/vhost%,\
		$(wildcard tender/dev/*.c)) tender/util/err.c \
	$(filter-out test/unit/dev/fs_% test/unit/dev/vhost%,\
		$(wildcard test/unit/dev/*.c))
UNIT_PROGS += $(UNIT_OUT)/dev_test
check-unit: $(UNIT_OUT)/dev_test

$(UNIT_OUT)/dev_test: $(UNIT_DEV_SRC) $(wildcard tender/dev/*.h \
		tender/util/*.h test/unit/dev/*.h) mk/unit-dev.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -fsanitize=address,undefined \
		-fno-sanitize-recover=undefined -Itender -I. -Itest/unit/dev \
		-o $@ $(UNIT_DEV_SRC) -lpthread
