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
