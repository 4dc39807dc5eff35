# SPDX-License-Identifier: MIT
#
# The native interface for programs: libmica.a with <mica.h>, its samples, and
# their tests. `make install-native PREFIX=/usr/local` installs header, library
# and manual page for programs that will run in mica.
O ?= build
PREFIX ?= /usr/local

NATIVE_OUT := $(O)/native
NATIVE_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter \
	-pthread -I.
NATIVE_SAMPLES := $(patsubst native/samples/%.c,$(NATIVE_OUT)/%,\
	$(wildcard native/samples/*.c))
NATIVE_TESTS := $(patsubst test/native/%.c,$(NATIVE_OUT)/test/%,\
	$(filter-out %/harness.c,$(wildcard test/native/*.c)))
NATIVE_DEPS := native/mica.h abi/native.h $(NATIVE_OUT)/libmica.a mk/native.mk

.PHONY: native check-native check-native-qemu install-native
native: $(NATIVE_OUT)/libmica.a $(NATIVE_SAMPLES) ## library and samples for native programs

$(NATIVE_OUT)/mica.o: native/mica.c native/mica.h abi/native.h mk/native.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_CFLAGS) -ffreestanding -fPIC -c -o $@ $<

$(NATIVE_OUT)/libmica.a: $(NATIVE_OUT)/mica.o
	$(Q)rm -f $@; ar rcsD $@ $<

$(NATIVE_OUT)/test/%: test/native/%.c test/native/harness.c \
		test/native/harness.h $(NATIVE_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_CFLAGS) -o $@ $< test/native/harness.c \
		$(NATIVE_OUT)/libmica.a

$(NATIVE_OUT)/%: native/samples/%.c $(NATIVE_DEPS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_CFLAGS) -o $@ $< $(NATIVE_OUT)/libmica.a

check-native: $(NATIVE_SAMPLES) $(NATIVE_TESTS) $(O)/mica ## messages for programs, and their samples
	$(Q)test/native/run --mica $(O)/mica --dir $(NATIVE_OUT)

check-native-qemu: $(NATIVE_SAMPLES) $(NATIVE_TESTS) $(O)/mica ## the same under QEMU
	$(Q)test/native/run --mica $(O)/mica --dir $(NATIVE_OUT) --platform qemu

install-native: $(NATIVE_OUT)/libmica.a
	install -d $(DESTDIR)$(PREFIX)/include/mica/abi \
		$(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 native/mica.h $(DESTDIR)$(PREFIX)/include/mica/mica.h
	install -m 644 abi/native.h $(DESTDIR)$(PREFIX)/include/mica/abi/
	install -m 644 $(NATIVE_OUT)/libmica.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 native/mica.3 $(DESTDIR)$(PREFIX)/share/man/man3/
