# SPDX-License-Identifier: MIT
#
# `make bench`: measurements against the host's own kernel (bench/run). The
# programs are in $(O)/bench/, made of bench/*.c; true and idle are static.

O ?= build

BENCH_OUT := $(O)/bench
BENCH_NAMES := calls switches processes memory launch
BENCH_PROGS := $(addprefix $(BENCH_OUT)/,$(BENCH_NAMES) true-static \
	true-dynamic idle)
BENCH_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -pthread

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGS)

bench: bench-programs $(O)/mica ## measure against the host kernel
	bench/run --mica $(O)/mica --programs $(BENCH_OUT)

$(BENCH_OUT)/true-static: bench/true.c mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -static -o $@ $<

$(BENCH_OUT)/true-dynamic: bench/true.c mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<

$(BENCH_OUT)/idle: bench/idle.c mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -static -o $@ $<

$(BENCH_OUT)/%: bench/%.c bench/bench.h mk/bench.mk
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<
