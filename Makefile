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
-include $(filter-out mk/flags.mk mk/kernel.mk mk/tender.mk mk/unit.mk,\
	$(wildcard mk/*.mk))

.PHONY: all clean help run check setup-build setup-check
all: $(O)/mica ## build everything (default)

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
		sed 's/:.*##/\t/' | sort | column -t -s "$$(printf '\t')"

clean: ## remove the output directory
	rm -rf $(O)
