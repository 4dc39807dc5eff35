# SPDX-License-Identifier: MIT
#
# `make check-isolation`: programs that own their sandbox's kernel try to get
# out (test/isolation/run).

O ?= build

$(O)/test/isolation/attack: test/isolation/attack.c abi/fileserver.h
	@mkdir -p $(@D)
	$(Q)$(MUSL_CC) -std=gnu11 -O1 -Wall -static -I. $< -o $@

.PHONY: check-isolation
check-isolation: $(O)/mica $(O)/test/isolation/attack ## attacks on the host
	$(Q)test/isolation/run --mica $(O)/mica \
		--attack $(O)/test/isolation/attack
