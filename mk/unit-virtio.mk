# SPDX-License-Identifier: MIT
# Unit tests of the kernel's virtio drivers.
UNIT_PROGS += $(UNIT_OUT)/virtio_queue_test
check-unit: $(UNIT_OUT)/virtio_queue_test

$(UNIT_OUT)/virtio_queue_test: test/unit/drv/virtio_queue_test.c \
		kernel/drv/virtio/queue.c kernel/drv/virtio/queue.h \
		$(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes \
		-ffreestanding -nostdinc -iquote kernel/platform/kvm \
		$(KERNEL_INC) -fsanitize=address,undefined \
		-fno-sanitize-recover=all -fno-sanitize=pointer-overflow \
		-o $@ $(filter %.c,$^)

UNIT_PROGS += $(UNIT_OUT)/virtio_net_test
check-unit: $(UNIT_OUT)/virtio_net_test
$(UNIT_OUT)/virtio_net_test: test/unit/drv/virtio_net_test.c \
		kernel/drv/virtio/net.c kernel/drv/virtio/queue.c \
		kernel/net/netdev.c kernel/lib/string.c kernel/lib/printf.c \
		$(wildcard kernel/drv/virtio/*.h kernel/net/*.h) $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes \
		-ffreestanding -nostdinc -iquote test/unit/platform/kvm/fake \
		-iquote kernel/platform/kvm $(KERNEL_INC) -fsanitize=undefined \
		-fno-sanitize-recover=all -fno-sanitize=pointer-overflow \
		-o $@ $(filter %.c,$^)

UNIT_PROGS += $(UNIT_OUT)/virtio_rng_test
check-unit: $(UNIT_OUT)/virtio_rng_test
$(UNIT_OUT)/virtio_rng_test: test/unit/drv/virtio_rng_test.c \
		test/unit/core/fake_service.c test/unit/tap.c \
		kernel/drv/virtio/rng.c kernel/drv/virtio/queue.c \
		kernel/lib/string.c kernel/lib/printf.c \
		$(wildcard kernel/drv/virtio/*.h) $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes \
		-ffreestanding -nostdinc -iquote test/unit/platform/kvm/fake \
		-iquote kernel/platform/kvm $(KERNEL_INC) -fsanitize=undefined \
		-fno-sanitize-recover=all -fno-sanitize=pointer-overflow \
		-o $@ $(filter %.c,$^)
