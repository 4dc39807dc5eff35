# SPDX-License-Identifier: MIT
# Every compiler flag, once. Changed flags rebuild (see $(O)/flags.stamp).
CC       ?= gcc
MUSL_CC  ?= musl-gcc
WERROR   ?= 1
WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wmissing-prototypes \
	-Wstrict-prototypes -Wimplicit-fallthrough -Wno-unused-parameter
ifeq ($(WERROR),1)
WARN += -Werror
endif
GCC_INC := $(shell $(CC) -print-file-name=include)

# Kernels: freestanding, general registers only. One source, two platforms:
# `process` is position independent inside its window (text and data within
# 2 GiB of each other), `kvm` lies at the top of the address space.
KERNEL_INC := -iquote kernel -iquote . -iquote kernel/arch/x86_64 -I$(O) \
	-isystem $(GCC_INC) -isystem $(O)/uapi
KERNEL_BASE_CFLAGS := -std=gnu11 -O2 -g $(WARN) -DMICA_KERNEL \
	-ffreestanding -nostdinc \
	-fno-common -mgeneral-regs-only -mno-red-zone -fvisibility=hidden \
	-include kernel/lib/hidden.h \
	-fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-math-errno \
	-fcf-protection=none -ffunction-sections
KERNEL_CFLAGS_process := $(KERNEL_BASE_CFLAGS) -fpie \
	-iquote kernel/platform/process $(KERNEL_INC)
# (no alignment within the text and of tables: the image is copied at each start)
KERNEL_CFLAGS_kvm := $(KERNEL_BASE_CFLAGS) -fno-pie -mcmodel=kernel \
	-falign-functions=1 -falign-loops=1 -falign-jumps=1 \
	-malign-data=abi -mpreferred-stack-boundary=3 -mskip-rax-setup \
	-iquote kernel/platform/kvm $(KERNEL_INC)
# Files that are seldom run (KERNEL_SMALL_* of mk/kernel.mk): 1.5 % less by
# optimizing all of them at once, for 10 seconds of a build; 2 % less without
# passes that copy code, turn it into tables or keep more in registers.
KERNEL_SMALL_CFLAGS := -Oz -flto=2 -fno-thread-jumps -fno-tree-dominator-opts \
	-fno-shrink-wrap -fno-tree-switch-conversion -fno-move-loop-invariants \
	-fno-forward-propagate

# Tender: static, by musl: no processor probing at start-up.
TENDER_CFLAGS := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -Itender -I. -I$(O) \
	-idirafter $(O)/uapi -fno-stack-protector -fcf-protection=none
TENDER_LDFLAGS := -static -no-pie

# Unit tests: kernel modules on the host, with sanitizers and a fake platform.
UNIT_CFLAGS := -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE
