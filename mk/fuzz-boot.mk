# SPDX-License-Identifier: MIT
#
# Fuzz targets of what comes before and beside the devices: a kernel image's
# file (image), the hand-over block (handover), the messages of another monitor
# (vhost), a program's seccomp filter (bpf). `make fuzz-image` and so on fuzz for FUZZ_SECONDS; make-boot-corpus
# writes the seeds.
FUZZ_BOOT := image handover vhost bpf
FUZZ_BOOT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter \
	-D_GNU_SOURCE -fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_TARGETS += $(FUZZ_BOOT)

FUZZ_image_SRC := tender/kvm/image.c tender/util/err.c
FUZZ_image_FLAGS := -Itender -I.
FUZZ_handover_SRC := kernel/platform/kvm/handover.c
FUZZ_handover_FLAGS := -iquote kernel -iquote .
FUZZ_vhost_SRC := $(addprefix tender/dev/,memory.c queue.c virtio.c loop.c \
	rng.c vhost_user.c vhost_message.c) tender/util/err.c
FUZZ_vhost_FLAGS := -Itender -I.
FUZZ_bpf_SRC := kernel/linux/bpf.c
FUZZ_bpf_FLAGS := -iquote kernel -iquote .
FUZZ_BOOT_HEADERS := $(wildcard abi/*.h tender/dev/*.h tender/kvm/*.h \
	tender/util/*.h kernel/platform/kvm/*.h kernel/lib/*.h kernel/linux/bpf.h) \
	mk/fuzz-boot.mk

.PHONY: $(FUZZ_BOOT:%=fuzz-%)
check-fuzz: $(FUZZ_BOOT:%=$(FUZZ_OUT)/%-replay)

$(FUZZ_BOOT:%=fuzz-%): fuzz-%: $(FUZZ_OUT)/%-fuzz
	@mkdir -p $(FUZZ_OUT)/corpus/$*
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 \
		-artifact_prefix=$(FUZZ_OUT)/$*- $(FUZZ_OUT)/corpus/$* \
		$(FUZZ_SRC)/corpus/$*

.SECONDEXPANSION:
$(FUZZ_BOOT:%=$(FUZZ_OUT)/%-fuzz): $(FUZZ_OUT)/%-fuzz: \
		$(FUZZ_SRC)/%_fuzz.c $$(FUZZ_$$*_SRC) $(FUZZ_BOOT_HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_BOOT_CFLAGS) $(FUZZ_$*_FLAGS) \
		-fsanitize=fuzzer,address,undefined -o $@ $(filter %.c,$^) \
		-lpthread

$(FUZZ_BOOT:%=$(FUZZ_OUT)/%-replay): $(FUZZ_OUT)/%-replay: \
		$(FUZZ_SRC)/%_fuzz.c $$(FUZZ_$$*_SRC) $(FUZZ_SRC)/replay.c \
		$(FUZZ_BOOT_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_BOOT_CFLAGS) $(FUZZ_$*_FLAGS) \
		-fsanitize=address,undefined -o $@ $(filter %.c,$^) -lpthread
