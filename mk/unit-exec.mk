# SPDX-License-Identifier: MIT
# Unit tests of the kvm platform's scheduler and wait words, on host threads, and
# models of its protocols, all interleavings of which are visited.
UNIT_EXEC_PROGS := $(UNIT_OUT)/runq_test $(UNIT_OUT)/sched_rules_test \
	$(UNIT_OUT)/word_test \
	$(UNIT_OUT)/sched_model
UNIT_PROGS += $(UNIT_EXEC_PROGS)
UNIT_EXEC_CFLAGS := -std=gnu11 -O1 -g $(WARN) -Wno-missing-prototypes \
	-ffreestanding -nostdinc -iquote test/unit/platform/kvm/fake \
	-iquote kernel/platform/kvm $(KERNEL_INC) \
	-fno-sanitize-recover=all

check-unit: $(UNIT_EXEC_PROGS)

UNIT_RUNQ_SRC := test/unit/platform/kvm/runq_play.c test/unit/tap.c \
	kernel/platform/kvm/runq.c kernel/platform/kvm/runq_fair.c \
	kernel/platform/kvm/timerq.c kernel/lib/avl.c
$(UNIT_OUT)/runq_test $(UNIT_OUT)/sched_rules_test: $(UNIT_OUT)/%: \
		test/unit/platform/kvm/%.c $(UNIT_RUNQ_SRC) \
		test/unit/platform/kvm/runq_play.h test/unit/tap.h \
		$(wildcard kernel/platform/kvm/*.h) $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_EXEC_CFLAGS) -fsanitize=address,undefined -o $@ \
		$(filter %.c,$^)

$(UNIT_OUT)/word_test: test/unit/platform/kvm/word_test.c test/unit/tap.c \
		kernel/platform/kvm/word.c kernel/platform/kvm/park.c kernel/platform/kvm/timerq.c \
		kernel/lib/avl.c $(wildcard kernel/platform/kvm/*.h) $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_EXEC_CFLAGS) -fsanitize=thread -o $@ \
		$(filter %.c,$^) -lpthread

$(UNIT_OUT)/sched_model: test/unit/platform/kvm/sched_model.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -fsanitize=address,undefined -o $@ $<

UNIT_PROGS += $(UNIT_OUT)/handover_test
check-unit: $(UNIT_OUT)/handover_test
$(UNIT_OUT)/handover_test: test/unit/platform/kvm/handover_test.c \
		test/unit/tap.c \
		kernel/platform/kvm/handover.c kernel/lib/chacha20.c \
		kernel/lib/string.c $(wildcard kernel/platform/kvm/*.h) \
		abi/machine.h $(KERNEL_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_EXEC_CFLAGS) -fsanitize=undefined -o $@ $(filter %.c,$^)
