# SPDX-License-Identifier: MIT
# The whole build. Output only in $(O). `make help` lists the targets.
O ?= build
export O
.DEFAULT_GOAL := all
ifneq ($(V),1)
Q := @
endif

include mk/flags.mk
include mk/kernel.mk
include mk/tender.mk
include mk/unit.mk
include mk/fuzz.mk
-include $(filter-out mk/flags.mk mk/kernel.mk mk/tender.mk mk/unit.mk mk/fuzz.mk,\
	$(wildcard mk/*.mk))

.PHONY: all clean help run check install FORCE
all: $(O)/mica ## build everything (default)

# A fresh machine lacks packages: install them first, then build.
run: ## install what is missing, build, and show mica at work
	@tools/setup run
	@$(MAKE) -j$$(nproc) --no-print-directory all
	@tools/demo $(O)/mica

# Every suite; tools/suite keeps each result in build/results.
SUITES := lint unit models tools fuzz rig guest boot counts drivers linux native cli programs isolation robust provoke smp \
	linux-rt rt rt-qemu linux-qemu smp-qemu failures-qemu linux-kvm smp-kvm failures-kvm
check: ## install what is missing, build, and run every test
	@tools/setup check
	@$(MAKE) -j$$(nproc) --no-print-directory all
	@for s in $(SUITES); do MICA_KEEP_GOING=1 tools/suite $$s \
		$(MAKE) -s --no-print-directory check-$$s; done
	@tools/sum-results $(SUITES)

check-lint: lint
.PHONY: check-lint

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
		sed 's/:.*##/\t/' | sort | column -t -s "$$(printf '\t')"

clean: ## remove the output directory
	rm -rf $(O)
