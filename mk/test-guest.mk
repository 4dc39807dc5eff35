# SPDX-License-Identifier: MIT
#
# Test guests: tiny kernels that test the monitor (test/guest/*.c, one guest
# each, with test/guest/lib), and run-guest, which runs them on tender/kvm.
# `make check-guest` runs all in the nested lane.
GUEST_OUT := $(O)/test/guest
GUEST_SRC := $(filter-out test/guest/run-guest.c,$(wildcard test/guest/*.c))
GUEST_ELF := $(patsubst test/guest/%.c,$(GUEST_OUT)/%.elf,$(GUEST_SRC))
GUEST_CFLAGS := -std=gnu11 -O2 -g $(WARN) -ffreestanding -nostdinc -fno-pie \
	-mcmodel=kernel -mgeneral-regs-only -mno-red-zone \
	-fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing \
	-Itest/guest -I. -isystem $(GCC_INC)
GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none \
	-Wl,-z,max-page-size=0x200000 -Wl,-z,noexecstack \
	-Wl,--no-warn-rwx-segments -Wl,-T,test/guest/lib/guest.ld
GUEST_DEPS := $(wildcard test/guest/*.h test/guest/lib/*) abi/machine.h \
	mk/test-guest.mk mk/flags.mk
GUEST_LIB := $(wildcard test/guest/lib/*.c) test/guest/lib/start.S

.PHONY: guests check-guest
guests: $(GUEST_ELF) $(GUEST_OUT)/run-guest ## test guests and their runner

check-guest: guests ## the monitor under test guests, in the nested lane
	$(Q)$(NESTED) --timeout 600 test/guest/run

# This one leaves the other CPUs to INIT and SIPI.
$(GUEST_OUT)/sipi.elf: GUEST_CFLAGS += -DNO_AP_ENTRY
# FUSE's requests; test/kvm/run starts it.
$(GUEST_OUT)/hostile.elf: GUEST_CFLAGS += -isystem $(O)/uapi
$(GUEST_OUT)/hostile.elf: $(O)/uapi/stamp
$(GUEST_OUT)/%.elf: test/guest/%.c $(GUEST_DEPS) $(wildcard test/guest/*.S)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) $(GUEST_LDFLAGS) -o $@ $< \
		$(wildcard test/guest/$*_*.S) $(GUEST_LIB)

# The monitor without what makes a sandbox of a machine.
GUEST_RUN_SRC := test/guest/run-guest.c $(filter-out \
	tender/kvm/sandbox%,$(wildcard tender/kvm/*.c tender/kvm/*.S)) \
	$(wildcard tender/util/*.c) $(addprefix tender/dev/,memory.c \
	queue.c virtio.c virtio_mmio.c loop.c rng.c blk.c console.c)
$(GUEST_OUT)/run-guest: $(GUEST_RUN_SRC) $(wildcard tender/kvm/*.h \
		tender/dev/*.h tender/util/*.h abi/*.h) mk/test-guest.mk \
		$(O)/uapi/stamp
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) $(TENDER_CFLAGS) $(TENDER_LDFLAGS) -o $@ \
		$(GUEST_RUN_SRC) -lpthread
