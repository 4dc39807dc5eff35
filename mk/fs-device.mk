# SPDX-License-Identifier: MIT
# The file system device: unit tests without a machine or a queue around it, and
# behind vhost-user; its fuzz target (`make fuzz-fs`; check-fuzz replays).
UNIT_FSDEV_SRC := $(wildcard tender/dev/fs*.c tender/dev/files/*.c) \
	$(addprefix tender/dev/,queue.c memory.c virtio.c loop.c \
		vhost_user.c vhost_message.c) tender/util/err.c
UNIT_FSDEV_DEPS := $(UNIT_FSDEV_SRC) $(wildcard tender/dev/*.h \
	tender/dev/files/*.h abi/*.h test/unit/dev/fs/*.[ch]) mk/fs-device.mk
UNIT_FSDEV_PROGS := $(UNIT_OUT)/fsdev_test $(UNIT_OUT)/vhost_test
UNIT_PROGS += $(UNIT_FSDEV_PROGS)
check-unit: $(UNIT_FSDEV_PROGS)

$(UNIT_OUT)/fsdev_test: UNIT_FSDEV_MAIN := $(addprefix test/unit/dev/fs/,\
	fs_test.c fs_changes_test.c fs_streams_test.c fs_client.c)
$(UNIT_OUT)/vhost_test: UNIT_FSDEV_MAIN := test/unit/dev/fs/vhost_test.c
$(UNIT_FSDEV_PROGS): $(UNIT_FSDEV_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -Wno-missing-prototypes \
		-fsanitize=address,undefined -Itender -I. -o $@ \
		$(UNIT_FSDEV_SRC) $(UNIT_FSDEV_MAIN) -lpthread

FUZZ_FS_SRC := $(UNIT_FSDEV_SRC) test/unit/dev/fs/fs_client.c \
	$(FUZZ_SRC)/fs_fuzz.c
FUZZ_FS_DEPS := $(FUZZ_FS_SRC) $(UNIT_FSDEV_DEPS) mk/fs-device.mk
FUZZ_FS_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-field-initializers -D_GNU_SOURCE -Itender -I. \
	-fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_TARGETS += fs
check-fuzz: $(FUZZ_OUT)/fs-replay

.PHONY: fuzz-fs
fuzz-fs: $(FUZZ_OUT)/fs-fuzz ## fuzz the file system device for FUZZ_SECONDS
	@mkdir -p $(FUZZ_OUT)/corpus/fs
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/corpus/fs \
		$(FUZZ_SRC)/corpus/fs

$(FUZZ_OUT)/fs-fuzz: $(FUZZ_FS_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FS_CFLAGS) -fsanitize=fuzzer,address,undefined \
		-o $@ $(FUZZ_FS_SRC) -lpthread

$(FUZZ_OUT)/fs-replay: $(FUZZ_FS_DEPS) $(FUZZ_SRC)/replay.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_FS_CFLAGS) -fsanitize=address,undefined \
		-o $@ $(FUZZ_FS_SRC) $(FUZZ_SRC)/replay.c -lpthread
