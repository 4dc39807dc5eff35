# SPDX-License-Identifier: MIT
#
# `make bench`: measurements against the host's own kernel (bench/run). The
# programs are in $(O)/bench/, made of bench/*.c; true and idle are static.

O ?= build

BENCH_OUT := $(O)/bench
BENCH_NAMES := calls switches processes memory launch messages
BENCH_PROGS := $(addprefix $(BENCH_OUT)/,$(BENCH_NAMES) true-static \
	true-dynamic idle)
BENCH_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -pthread -I.

BENCH_KVM := $(addprefix $(BENCH_OUT)/,guest first count.so)

.PHONY: bench bench-programs bench-kvm bench-rt check-rt check-rt-qemu check-rt-kvm
bench-programs: $(BENCH_PROGS)

bench: bench-programs $(O)/mica ## measure against the host kernel
	bench/run --mica $(O)/mica --programs $(BENCH_OUT)

# Debian's rt-tests: figures, and whether they run.
bench-rt: $(O)/mica ## latencies by rt-tests, beside the host's own
	bench/rt-tests --mica $(O)/mica $(RT_ARGS)

check-rt: $(O)/mica ## rt-tests end well on the process platform
	$(Q)bench/rt-tests --check --mica $(O)/mica

check-rt-qemu: $(O)/mica ## the same under QEMU
	$(Q)bench/rt-tests --check --mica $(O)/mica --platform qemu

check-rt-kvm: $(O)/mica ## the same on the kvm platform
	$(Q)$(NESTED) --timeout 600 -- bench/rt-tests --check --mica $(O)/mica \
		--platform kvm

$(BENCH_OUT)/true-static: bench/true.c mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -static -o $@ $<

$(BENCH_OUT)/true-dynamic: bench/true.c mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<

$(BENCH_OUT)/idle: bench/idle.c mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -static -o $@ $<

$(BENCH_OUT)/messages: bench/messages.c native/mica.c native/mica.h \
		abi/native.h bench/bench.h mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< native/mica.c

$(BENCH_OUT)/%: bench/%.c bench/bench.h mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<

# Programs of the measurements of the kvm platform. The history grows by a
# line per figure: commit bench/history with what changed it.
bench-kvm: $(BENCH_KVM) $(O)/mica ## count and compare the kvm platform
	bench/count --history
	bench/against-linux --history

$(BENCH_OUT)/guest: bench/guest.c native/mica.c native/mica.h abi/native.h \
		mk/bench.mk
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -std=gnu11 -O2 -g -Wall -Wextra -I. -static -o $@ $< \
		native/mica.c

$(BENCH_OUT)/first: bench/first.S mk/bench.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -static -nostdlib -o $@ $<

$(BENCH_OUT)/count.so: bench/count_plugin.c mk/bench.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -fPIC \
		-shared -o $@ $<

.PHONY: check-counts
check-counts: $(BENCH_KVM) $(O)/mica ## exits, instructions, image within bounds
	$(Q)bench/count --check --mica $(O)/mica
