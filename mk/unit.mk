# SPDX-License-Identifier: MIT
# Unit tests: modules built for the host with sanitizers and a fake platform.
# Each program prints TAP. A program is a line in UNIT_PROGS and its rule.
UNIT_OUT := $(O)/test/unit
UNIT_PROGS := $(UNIT_OUT)/fs_test $(UNIT_OUT)/overlay_test $(UNIT_OUT)/ldisc_test \
	$(UNIT_OUT)/patch_test $(UNIT_OUT)/fileserver_test \
	$(UNIT_OUT)/unix_test $(UNIT_OUT)/futex_test \
	$(UNIT_OUT)/heap_test $(UNIT_OUT)/msg_test $(UNIT_OUT)/service_test \
	$(UNIT_OUT)/park_test

.PHONY: check-unit
check-unit: $(UNIT_PROGS) ## modules on the host, with sanitizers
	$(Q)for t in $(UNIT_PROGS); do echo "# $$t"; timeout 300 $$t || \
		echo "not ok - $$t ended with status $$?"; done | \
	awk '{ print } /^ok/ { p++ } /^not ok/ { f++ } \
		END { printf "%d passed, %d failed\n", p, f; exit f != 0 }'

# Kernel sources as the host runs them: freestanding headers, sanitizers.
UNIT_KERNEL_CFLAGS := -std=gnu11 -O1 -g $(WARN) -ffreestanding -nostdinc \
	-fno-common -fno-strict-aliasing -fsanitize=address,undefined \
	-Itest/unit -iquote kernel/platform/process $(KERNEL_INC)
# The fake heap is the host's; these are what it and the tests stand on.
UNIT_FS_SRC := $(filter-out kernel/fs/rootfs%,\
		$(wildcard kernel/fs/*.c)) \
	$(wildcard kernel/fs/tmpfs/*.c kernel/fs/devfs/*.c) \
	kernel/core/lock.c kernel/core/wait.c kernel/lib/printf.c \
	kernel/lib/string.c $(wildcard test/unit/fs/*.c) test/unit/tap.c
UNIT_FS_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_FS_SRC))

# The sanitizer's run-time itself calls these: they stay plain.
$(UNIT_OUT)/obj/kernel/lib/string.o: UNIT_KERNEL_CFLAGS += -fno-sanitize=all

$(UNIT_OUT)/obj/%.o: %.c $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(UNIT_OUT)/fs_test: $(UNIT_FS_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_FS_OBJ:.o=.d)

# The overlay over two memory file systems, against a plain one.
UNIT_OVERLAY_SRC := $(filter-out test/unit/fs/% kernel/fs/graft%,\
		$(UNIT_FS_SRC)) \
	$(wildcard kernel/fs/overlay/*.c) test/unit/fs/fake.c \
	test/unit/fs/overlay/overlay_test.c
UNIT_OVERLAY_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_OVERLAY_SRC))

$(UNIT_OUT)/overlay_test: $(UNIT_OVERLAY_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_OVERLAY_OBJ:.o=.d)

UNIT_LDISC_SRC := kernel/drv/ldisc.c kernel/drv/ldisc_out.c kernel/fs/uio.c \
	kernel/lib/string.c kernel/lib/printf.c test/unit/fs/fake.c \
	test/unit/tap.c test/unit/drv/ldisc_test.c
UNIT_LDISC_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_LDISC_SRC))

$(UNIT_OUT)/ldisc_test: $(UNIT_LDISC_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_LDISC_OBJ:.o=.d)

UNIT_PATCH_SRC := kernel/arch/x86_64/process/patch.c kernel/arch/x86_64/process/insn.c \
	kernel/lib/string.c test/unit/arch/patch_test.c
UNIT_PATCH_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_PATCH_SRC))
$(UNIT_OUT)/patch_test: $(UNIT_PATCH_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^
-include $(UNIT_PATCH_OBJ:.o=.d)

UNIT_UNIX_SRC := $(wildcard kernel/net/*.c) kernel/core/lock.c \
	kernel/core/wait.c kernel/lib/printf.c kernel/lib/string.c \
	test/unit/fs/fake.c test/unit/tap.c test/unit/net/unix_test.c
UNIT_UNIX_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_UNIX_SRC))
$(UNIT_OUT)/unix_test: $(UNIT_UNIX_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_UNIX_OBJ:.o=.d)

UNIT_MSG_SRC := $(wildcard kernel/core/msg*.c) kernel/core/lock.c \
	kernel/core/wait.c kernel/lib/printf.c kernel/lib/string.c \
	test/unit/fs/fake.c test/unit/tap.c test/unit/core/msg_actor.c \
	test/unit/core/msg_test.c
UNIT_MSG_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_MSG_SRC))
$(UNIT_OUT)/msg_test: $(UNIT_MSG_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_MSG_OBJ:.o=.d)

UNIT_SERVICE_SRC := $(filter-out test/unit/core/%,$(UNIT_MSG_SRC)) \
	kernel/core/service.c test/unit/core/service_test.c
UNIT_SERVICE_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_SERVICE_SRC))
$(UNIT_OUT)/service_test: $(UNIT_SERVICE_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_SERVICE_OBJ:.o=.d)

UNIT_FUTEX_SRC := kernel/core/futex.c kernel/core/lock.c kernel/core/wait.c \
	kernel/lib/printf.c kernel/lib/string.c test/unit/fs/fake.c \
	test/unit/tap.c test/unit/core/futex_test.c
UNIT_FUTEX_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_FUTEX_SRC))
$(UNIT_OUT)/futex_test: $(UNIT_FUTEX_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_FUTEX_OBJ:.o=.d)

UNIT_PARK_SRC := kernel/core/park.c kernel/platform/process/host.c \
	kernel/lib/string.c test/unit/tap.c test/unit/core/park_test.c
UNIT_PARK_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_PARK_SRC))
$(UNIT_OUT)/park_test: $(UNIT_PARK_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^
-include $(UNIT_PARK_OBJ:.o=.d)

# The tender's modules, as ordinary host programs.
UNIT_FSRV_SRC := tender/process/fileserver.c \
	$(wildcard tender/dev/files/*.c) tender/util/err.c \
	test/unit/tender/fileserver_test.c
$(UNIT_OUT)/fileserver_test: $(UNIT_FSRV_SRC) \
		$(wildcard tender/process/*.h tender/dev/files/*.h \
			tender/util/*.h abi/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -Wno-missing-prototypes -fsanitize=address,undefined \
		-Itender -I. -o $@ $(UNIT_FSRV_SRC) -lpthread

UNIT_HEAP_SRC := kernel/core/heap.c kernel/core/page.c kernel/core/lock.c \
	kernel/lib/string.c test/unit/tap.c test/unit/core/heap_test.c
UNIT_HEAP_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_HEAP_SRC))
$(UNIT_OUT)/heap_test: $(UNIT_HEAP_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^
-include $(UNIT_HEAP_OBJ:.o=.d)
