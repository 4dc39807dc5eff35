# SPDX-License-Identifier: MIT
#
# Fuzz targets of the device models: a hostile driver's register accesses,
# memory and rings against each model (test/fuzz/dev_ops.h). `make
# fuzz-console`, `fuzz-blk`, `fuzz-rng` fuzz for FUZZ_SECONDS.
# make-dev-corpus writes the seeds.
FUZZ_DEV := console blk rng
FUZZ_DEV_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter \
	-D_GNU_SOURCE -Itender -I. -Itest/unit/dev -Itest/fuzz \
	-fno-omit-frame-pointer
FUZZ_DEV_SRC := $(addprefix tender/dev/,memory.c queue.c virtio.c \
	virtio_mmio.c loop.c) tender/util/err.c test/unit/dev/fake_guest.c \
	$(FUZZ_SRC)/dev_ops.c
FUZZ_DEV_DEPS := $(FUZZ_DEV_SRC) $(wildcard tender/dev/*.h test/unit/dev/*.h \
	$(FUZZ_SRC)/*.h) mk/fuzz-dev.mk
FUZZ_TARGETS += $(FUZZ_DEV)

.PHONY: $(addprefix fuzz-,$(FUZZ_DEV))
check-fuzz: $(FUZZ_DEV:%=$(FUZZ_OUT)/%-replay)

$(addprefix fuzz-,$(FUZZ_DEV)): fuzz-%: $(FUZZ_OUT)/%-fuzz
	@mkdir -p $(FUZZ_OUT)/corpus/$*
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=1024 -timeout=10 \
		-artifact_prefix=$(FUZZ_OUT)/$*- $(FUZZ_OUT)/corpus/$* \
		$(FUZZ_SRC)/corpus/$*

$(FUZZ_DEV:%=$(FUZZ_OUT)/%-fuzz): $(FUZZ_OUT)/%-fuzz: \
		$(FUZZ_SRC)/%_fuzz.c tender/dev/%.c $(FUZZ_DEV_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_DEV_CFLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< tender/dev/$*.c \
		$(FUZZ_DEV_SRC) -lpthread

$(FUZZ_DEV:%=$(FUZZ_OUT)/%-replay): $(FUZZ_OUT)/%-replay: \
		$(FUZZ_SRC)/%_fuzz.c tender/dev/%.c $(FUZZ_DEV_DEPS) \
		$(FUZZ_SRC)/replay.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_DEV_CFLAGS) -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $< tender/dev/$*.c \
		$(FUZZ_DEV_SRC) $(FUZZ_SRC)/replay.c -lpthread
