# SPDX-License-Identifier: MIT
#
# Linux behaviour tests: one program per family in $(O)/test/linux/, made of
# test/linux/<family>.c and harness.c, dynamic against the system's libc. Some
# families exist a second time as static musl programs, <family>.musl, where
# musl-gcc is installed. `make check-linux` runs all of them natively and in
# mica and compares; arguments for the runner go into LT_ARGS.

O ?= build

LT_SRC := test/linux
LT_OUT := $(O)/test/linux
LT_FAMILIES := $(filter-out harness,$(basename $(notdir \
	$(wildcard $(LT_SRC)/*.c))))
LT_PROGS := $(addprefix $(LT_OUT)/,$(LT_FAMILIES))
LT_DEPS := $(LT_SRC)/harness.c $(LT_SRC)/harness.h $(LT_SRC)/pthread_help.h \
	$(LT_SRC)/futex_help.h $(LT_SRC)/sched_help.h $(LT_SRC)/inet_help.h \
	$(LT_SRC)/seccomp_help.h $(LT_SRC)/ptrace_help.h \
	$(LT_SRC)/ns_help.h \
	mk/test-linux.mk

LT_CC ?= gcc
LT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter \
	-Wno-nonnull -Wno-stringop-overflow -Wno-stringop-overread \
	-D_GNU_SOURCE -pthread
LT_MUSL_CC := $(shell command -v musl-gcc 2>/dev/null)
LT_MUSL_FAMILIES := epoll futex mem_code pipe proc_exec proc_fork proc_wait \
	signal signal_fault signal_timer sock_msg stress syscalls thread \
	thread_cancel thread_sync time
ifneq ($(LT_MUSL_CC),)
LT_PROGS += $(addprefix $(LT_OUT)/,$(addsuffix .musl,$(LT_MUSL_FAMILIES)))
endif

# The families whose tests make files, for other file systems than /tmp.
LT_FILE_FAMILIES := file_random file_open file_io file_dir file_fd file_meta file_misc mem \
	mem_code sock sock_dgram pipe proc_exec procfs stress
LT_WORK := $(LT_OUT)/work

.PHONY: test-linux check-linux check-linux-rt check-linux-native check-linux-overlay
.PHONY: check-linux-volume
test-linux: $(LT_PROGS) ## build the Linux behaviour tests

check-linux: test-linux $(O)/mica ## Linux behaviours, natively and in mica
	$(Q)$(LT_SRC)/run -q --dir $(LT_OUT) --mica $(O)/mica $(LT_ARGS)

# The process platform with the host's real-time classes, where it grants them.
RTPRIO := --rtprio=99
check-linux-rt: test-linux $(O)/mica ## threads with real-time classes
	$(Q)$(O)/mica run $(RTPRIO) -- true 2>/dev/null && rt=$(RTPRIO); \
	$(LT_SRC)/run -q --dir $(LT_OUT) --mica $(O)/mica \
		--mica-options=$$rt $(LT_ARGS) pthread_mutex pthread_attr \
		futex_order

check-linux-native: test-linux ## the behaviour tests alone, on the host
	$(Q)$(LT_SRC)/run -q --dir $(LT_OUT) --native-only $(LT_ARGS)

check-linux-overlay: test-linux $(O)/mica ## the same above host directories
	@rm -rf $(LT_WORK) && mkdir -p $(LT_WORK)
	$(Q)$(LT_SRC)/run -q --dir $(LT_OUT) --mica $(O)/mica \
		--mica-tmp $(LT_WORK) $(LT_ARGS) $(LT_FILE_FAMILIES)

check-linux-volume: test-linux $(O)/mica ## the same in a writable volume
	@rm -rf $(LT_WORK) && mkdir -p $(LT_WORK)
	$(Q)$(LT_SRC)/run -q --dir $(LT_OUT) --mica $(O)/mica \
		--mica-options="-v $(abspath $(LT_WORK)):/volume" \
		--mica-tmp /volume \
		--expected $(LT_SRC)/expected-failures-volume.txt $(LT_ARGS) $(LT_FILE_FAMILIES)
	@rm -rf $(LT_WORK)

$(LT_OUT)/%.musl: $(LT_SRC)/%.c $(LT_DEPS)
	@mkdir -p $(@D)
	$(Q)$(LT_MUSL_CC) $(LT_CFLAGS) -static -o $@ $< $(LT_SRC)/harness.c

$(LT_OUT)/%: $(LT_SRC)/%.c $(LT_DEPS)
	@mkdir -p $(@D)
	$(Q)$(LT_CC) $(LT_CFLAGS) -o $@ $< $(LT_SRC)/harness.c -lrt -lutil
