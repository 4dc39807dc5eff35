# SPDX-License-Identifier: MIT
#
# Fuzz targets: test/fuzz/<name>_fuzz.c with the kernel sources it is about.
# `make fuzz-elf` fuzzes for FUZZ_SECONDS with clang's libFuzzer; new inputs
# land in $(O). `make check-fuzz` replays the saved inputs
# (test/fuzz/corpus/<name>/) of all FUZZ_TARGETS with gcc's sanitizers.
# make-elf-corpus writes the seeds of the ELF target.

O ?= build
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60

FUZZ_OUT := $(O)/test/fuzz
FUZZ_SRC := test/fuzz
FUZZ_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -iquote kernel -iquote . \
	-fno-omit-frame-pointer
FUZZ_ELF_SRC := kernel/linux/elf.c
FUZZ_ELF_DEPS := $(FUZZ_ELF_SRC) kernel/linux/elf.h kernel/lib/types.h \
	$(FUZZ_SRC)/elf_fuzz.c mk/fuzz.mk

.PHONY: fuzz-elf check-fuzz
fuzz-elf: $(FUZZ_OUT)/elf-fuzz ## fuzz the ELF parser for FUZZ_SECONDS
	@mkdir -p $(FUZZ_OUT)/corpus/elf
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=16384 \
		-artifact_prefix=$(FUZZ_OUT)/ $(FUZZ_OUT)/corpus/elf \
		$(FUZZ_SRC)/corpus/elf

# Names of targets: <name>-replay and corpus/<name>/. Other files add theirs.
FUZZ_TARGETS := elf
check-fuzz: $(FUZZ_OUT)/elf-replay ## replay the saved inputs of the fuzzers
	$(Q)for t in $(FUZZ_TARGETS); do \
		timeout 300 $(FUZZ_OUT)/$$t-replay $(FUZZ_SRC)/corpus/$$t/* || \
		echo "not ok - $$t ended with status $$?"; done | \
	awk '{ print } /^ok/ { p++ } /^not ok/ { f++ } \
		END { printf "%d passed, %d failed, 0 skipped\n", p, f; \
			exit f != 0 }'

$(FUZZ_OUT)/elf-fuzz: $(FUZZ_ELF_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $(FUZZ_SRC)/elf_fuzz.c \
		$(FUZZ_ELF_SRC)

$(FUZZ_OUT)/elf-replay: $(FUZZ_ELF_DEPS) $(FUZZ_SRC)/replay.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_CFLAGS) -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $(FUZZ_SRC)/elf_fuzz.c \
		$(FUZZ_SRC)/replay.c $(FUZZ_ELF_SRC)
