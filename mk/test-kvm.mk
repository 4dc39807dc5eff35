# SPDX-License-Identifier: MIT
#
# Sandboxes of the kvm and qemu platforms that end badly (test/kvm/run), with
# kernels made for it.

O ?= build
FAILING_OUT := $(O)/test/kvm
FAILING := $(addprefix $(FAILING_OUT)/,triple.elf panic.elf silent.elf \
	garbage.elf hang.elf spin.elf)

.PHONY: failing-kernels check-failures-qemu check-failures-kvm
failing-kernels: $(FAILING)

check-failures-qemu: failing-kernels $(O)/mica ## bad ends under QEMU
	$(Q)test/kvm/run --platform qemu --mica $(O)/mica \
		--kernels $(FAILING_OUT)

check-failures-kvm: failing-kernels $(O)/test/guest/hostile.elf $(O)/mica ## bad ends on the kvm platform
	$(Q)$(NESTED) --timeout 600 -- sh -c \
		'mkdir /run/tmp && TMPDIR=/run/tmp exec "$$@"' sh \
		test/kvm/run --platform kvm --mica $(O)/mica --patience 5 \
		--kernels $(FAILING_OUT) --guests $(O)/test/guest

$(FAILING_OUT)/%.elf: test/kvm/failing.S test/kvm/failing.ld mk/test-kvm.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none \
		-Wl,-z,max-page-size=0x200000 -Wl,-T,test/kvm/failing.ld \
		-DFAILURE_$(shell echo $* | tr a-z A-Z) -o $@ $<

# The kernel alone, in machines of many kinds.
.PHONY: check-boot
check-boot: $(KERNEL_kvm) $(FAILING_OUT)/description ## kvm kernel, many machines
	$(Q)test/kvm/boot --kernel $(KERNEL_kvm).stripped \
		--description $(FAILING_OUT)/description

$(FAILING_OUT)/description: test/kvm/description.c abi/boot.h abi/machine.h
	@mkdir -p $(@D)
	$(Q)$(CC) -I. -o $@.tool $< && $@.tool > $@

# The virtio drivers against QEMU's devices, and against a device of our own.
DRIVERS_OUT := $(O)/test/drivers
DRIVERS_PEER_SRC := test/drivers/vsock_peer.c $(addprefix tender/dev/,queue.c \
	memory.c virtio.c loop.c vhost_user.c vhost_message.c) tender/util/err.c

.PHONY: check-drivers
check-drivers: $(DRIVERS_OUT)/vsock_peer $(O)/mica ## drivers of virtio devices
	$(Q)test/drivers/run --mica $(O)/mica --peer $<

$(DRIVERS_OUT)/vsock_peer: $(DRIVERS_PEER_SRC) $(wildcard tender/dev/*.h) \
		mk/test-kvm.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -fsanitize=address,undefined -Itender -I. \
		-o $@ $(DRIVERS_PEER_SRC) -lpthread
