# SPDX-License-Identifier: MIT
#
# `make lint`: the rules that a program can check (tools/lint, tools/layers.txt).
# Needs the generated headers. `make format` rewrites the sources.

O ?= build

.PHONY: lint format
lint:
	tools/lint --output $(O)

format:
	clang-format -i --style=file $(shell git ls-files \
		'kernel/*.[ch]' 'tender/*.[ch]' 'abi/*.h')
