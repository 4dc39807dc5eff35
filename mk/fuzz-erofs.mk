# SPDX-License-Identifier: MIT
#
# The EROFS reader's fuzz target (`make fuzz-erofs`; check-fuzz replays), with
# the generic layer of files and the unit tests' pretend core below it.
# make-erofs-corpus writes the seeds.
FUZZ_TARGETS += erofs
FUZZ_EROFS_SRC := $(wildcard kernel/fs/erofs/*.c) \
	$(filter-out test/unit/fs/% kernel/fs/graft%,$(UNIT_FS_SRC)) \
	test/unit/fs/fake.c
FUZZ_EROFS_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(FUZZ_EROFS_SRC) \
	$(FUZZ_SRC)/erofs_fuzz.c)
# clang's own, for its fuzzer; strings are read by words, beyond their ends
FUZZ_EROFS_CFLAGS := $(filter-out -Werror -fsanitize=% -Wl$(,)%, \
	$(UNIT_KERNEL_CFLAGS)) -Wno-everything

.PHONY: fuzz-erofs
fuzz-erofs: $(FUZZ_OUT)/erofs-fuzz ## fuzz the EROFS reader for FUZZ_SECONDS
	@mkdir -p $(FUZZ_OUT)/corpus/erofs
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=10 \
		-artifact_prefix=$(FUZZ_OUT)/erofs- $(FUZZ_OUT)/corpus/erofs \
		$(FUZZ_SRC)/corpus/erofs

check-fuzz: $(FUZZ_OUT)/erofs-replay

$(FUZZ_OUT)/erofs-fuzz: $(FUZZ_EROFS_SRC) $(FUZZ_SRC)/erofs_fuzz.c \
		$(wildcard kernel/fs/*.h kernel/fs/erofs/*.h) mk/fuzz-erofs.mk
	@mkdir -p $(@D)
	@echo 'src:kernel/lib/string.c' > $@.plain
	$(FUZZ_CC) $(FUZZ_EROFS_CFLAGS) -fsanitize=fuzzer,address,undefined \
		-fsanitize-ignorelist=$@.plain -fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lpthread

$(FUZZ_OUT)/erofs-replay: $(FUZZ_EROFS_OBJ) $(FUZZ_SRC)/replay.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(FUZZ_CFLAGS) -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $^ -lpthread
# an undefined operation ends the replay
$(UNIT_OUT)/obj/kernel/fs/erofs/%.o: \
	UNIT_KERNEL_CFLAGS += -fno-sanitize-recover=all
-include $(FUZZ_EROFS_OBJ:.o=.d)
