# SPDX-License-Identifier: MIT
# Unit test of the file system device, without a machine or a queue around it.
UNIT_FSDEV_DEPS := $(wildcard tender/dev/fs*.c tender/dev/files/*.c) \
	$(addprefix tender/dev/,queue.c memory.c virtio.c loop.c) \
	tender/util/err.c test/unit/dev/fs/fs_client.c
UNIT_FSDEV_SRC := $(UNIT_FSDEV_DEPS) test/unit/dev/fs/fs_test.c
UNIT_PROGS += $(UNIT_OUT)/fsdev_test
check-unit: $(UNIT_OUT)/fsdev_test

$(UNIT_OUT)/fsdev_test: $(UNIT_FSDEV_SRC) $(wildcard tender/dev/*.h \
		tender/dev/files/*.h abi/*.h test/unit/dev/fs/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -Wno-missing-prototypes \
		-fsanitize=address,undefined -Itender -I. -o $@ \
		$(UNIT_FSDEV_SRC) -lpthread
