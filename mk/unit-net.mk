# SPDX-License-Identifier: MIT
# Unit tests of interfaces, packet sockets and AF_VSOCK, with drivers made there.
UNIT_LINK_SRC := $(filter-out test/unit/net/unix_test.c,$(UNIT_UNIX_SRC)) \
	test/unit/net/link_test.c
UNIT_LINK_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_LINK_SRC))
UNIT_PROGS += $(UNIT_OUT)/link_test
check-unit: $(UNIT_OUT)/link_test

$(UNIT_OUT)/link_test: $(UNIT_LINK_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_LINK_OBJ:.o=.d)

# Unit tests of TCP and UDP.
UNIT_INET_SRC := $(filter-out test/unit/net/unix_test.c,$(UNIT_UNIX_SRC)) \
	test/unit/net/inet_test.c
UNIT_INET_OBJ := $(patsubst %.c,$(UNIT_OUT)/obj/%.o,$(UNIT_INET_SRC))
UNIT_PROGS += $(UNIT_OUT)/inet_test
check-unit: $(UNIT_OUT)/inet_test

$(UNIT_OUT)/inet_test: $(UNIT_INET_OBJ)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $^ -lpthread
-include $(UNIT_INET_OBJ:.o=.d)
