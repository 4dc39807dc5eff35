# SPDX-License-Identifier: MIT
#
# Models of the wait/wake protocols, checked exhaustively by Spin.
O ?= build

.PHONY: models check-models
models: check-models
check-models: ## check the models of the protocols with Spin
	$(Q)test/models/run --dir $(O)/models
