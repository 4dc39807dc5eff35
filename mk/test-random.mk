# SPDX-License-Identifier: MIT
# `make check-random`: random system calls in a sandbox (test/robust), whose
# kernel must survive. RANDOM_SEEDS are the runs, a few seconds each.
RANDOM_SEEDS ?= 1 2 3

.PHONY: check-random
$(O)/test/robust/random_calls: test/robust/random_calls.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g $(WARN) -pthread -o $@ $<

check-random: $(O)/mica $(O)/test/robust/random_calls ## random system calls
	$(Q)n=0; for s in $(RANDOM_SEEDS); do \
		timeout 60 $(O)/mica run -m 512m \
			-v $(abspath $(O))/test/robust:/t:ro \
			/t/random_calls 2 $$s </dev/null 2>&1 | \
			grep -qa survived || { echo "not ok - seed $$s"; exit 1; }; \
		echo "ok - random calls, seed $$s"; n=$$((n + 1)); \
	done; echo "$$n passed, 0 failed"
