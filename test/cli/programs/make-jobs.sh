#!/bin/sh
# SPDX-License-Identifier: MIT
# What: make -j2: many small jobs, order, failing job, jobserver of a sub-make
# Needs: make
cat >Makefile <<'E'
N = $(shell seq 1 30)
all: $(addprefix out/,$N)
	@cat out/* | sort -n | tr '\n' ' '; echo
out/%: | out
	@echo $* >$@
out:
	@mkdir out
sub:
	@$(MAKE) --no-print-directory all
bad: ok1
	@echo before; exit 3
ok1: ; @echo ok1
E
make -j2; rm -r out; make -j2 sub; make -k -j2 bad 2>/dev/null; echo $?
make -n all; make nothing 2>&1 | sed 's/.*No/No/'; make -q all; echo $?
