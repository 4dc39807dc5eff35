# SPDX-License-Identifier: MIT
# Unit tests of the file system device, without a machine or a queue around it,
# and behind vhost-user.
UNIT_FSDEV_SRC := $(wildcard tender/dev/fs*.c tender/dev/files/*.c) \
	$(addprefix tender/dev/,queue.c memory.c virtio.c loop.c \
		vhost_user.c) tender/util/err.c
UNIT_FSDEV_DEPS := $(UNIT_FSDEV_SRC) $(wildcard tender/dev/*.h \
	tender/dev/files/*.h abi/*.h test/unit/dev/fs/*.[ch]) mk/unit-fs.mk
UNIT_FSDEV_PROGS := $(UNIT_OUT)/fsdev_test $(UNIT_OUT)/vhost_test
UNIT_PROGS += $(UNIT_FSDEV_PROGS)
check-unit: $(UNIT_FSDEV_PROGS)

$(UNIT_OUT)/fsdev_test: UNIT_FSDEV_MAIN := test/unit/dev/fs/fs_test.c \
	test/unit/dev/fs/fs_client.c
$(UNIT_OUT)/vhost_test: UNIT_FSDEV_MAIN := test/unit/dev/fs/vhost_test.c
$(UNIT_FSDEV_PROGS): $(UNIT_FSDEV_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -Wno-missing-prototypes \
		-fsanitize=address,undefined -Itender -I. -o $@ \
		$(UNIT_FSDEV_SRC) $(UNIT_FSDEV_MAIN) -lpthread
