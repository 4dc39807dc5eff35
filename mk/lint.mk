# SPDX-License-Identifier: MIT
#
# `make lint`: the rules that a program can check (tools/lint, tools/layers.txt).
# Needs the generated headers. `make format` rewrites the sources.

O ?= build

.PHONY: lint format
lint: ## check the rules of the project
	tools/lint --output $(O)

format: ## rewrite the sources with clang-format
	clang-format -i --style=file $(shell git ls-files \
		'kernel/*.[ch]' 'tender/*.[ch]' 'abi/*.h')

.PHONY: check-tools
check-tools: ## the project's own tools
	test/tools/run
