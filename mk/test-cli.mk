# SPDX-License-Identifier: MIT
#
# `make check-cli`: whole programs and the command line (test/cli/run).
# `make check-programs`: larger ones (test/programs); PROGRAMS="-k java" for some.
# `make check-robust`: sandboxes killed at random moments, hogs, ordinary users
# (test/robust/run); ROBUST_ROUNDS is the number of kills.

O ?= build
ROBUST_ROUNDS ?= 100

PROGRAMS ?=

.PHONY: check-cli check-programs check-robust
check-cli: $(O)/mica ## programs and command line, natively and in mica
	test/cli/run -j2 --mica $(O)/mica --work $(O)/test/cli-work

check-programs: $(O)/mica ## large programs, natively and in mica
	test/cli/run -j2 --mica $(O)/mica --work $(O)/test/programs-work \
		--scenarios test/programs $(PROGRAMS)

check-robust: $(O)/mica ## kills, hogs, ordinary users
	test/robust/run --mica $(O)/mica --rounds $(ROBUST_ROUNDS)
