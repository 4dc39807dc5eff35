# SPDX-License-Identifier: MIT
#
# The suites on the platforms that need a machine of their own: kvm in the
# nested lane (tools/nested), qemu by QEMU's own emulation. Each lane has a part
# that is run at every change (in SUITES) and a whole (`make check-full`).
#
#   check-linux-qemu check-linux-kvm    behaviours of test/linux
#   check-cli-kvm check-robust-kvm      programs and command line; kills
#   check-smp check-smp-kvm             stress with 1, 2 and 4 processors
#   check-qemu-kvm                      QEMU -accel kvm inside the nested lane,
#                                       for once a week

O ?= build
NESTED_TIMEOUT ?= 1500
STRESS_SECONDS ?= 1
# Only these programs, for longer: STRESS=pi_race STRESS_SECONDS=300
STRESS ?=

STRESS_OUT := $(O)/test/stress
STRESS_PROGS := $(patsubst test/stress/%.c,$(STRESS_OUT)/%,\
	$(wildcard test/stress/*.c))
NATIVE_RESULTS := $(LT_OUT)/native.json

# A time limit of the runner and of the machine; what runs in the machine.
LT_SLOW := --timeout 90 --native-from $(NATIVE_RESULTS) -q \
	--expected test/linux/expected-failures-tcg.txt
# Without the static musl variants: the calls are the same.
LT_SHORT := $(filter-out harness,$(LT_FAMILIES))
# At every change in the nested lane, where a start takes a second; a machine for
# each, since machines die (docs/testing.md).
LT_KVM ?= pipe futex futex_pi pthread_robust proc_wait signal_fault thread mem_edges

# The sum of several runs' last lines; a run without one has failed.
define SUM_OF_RUNS
/^[0-9]+ passed, [0-9]+ failed/ { p += $$1; f += $$3; s += $$5; n++; next }
{ print; fflush() }
END {
	f += wanted - n
	printf "%d passed, %d failed, %d skipped\n", p, f, s
	exit f > 0
}
endef
export SUM_OF_RUNS

.PHONY: stress check-linux-qemu check-linux-kvm check-cli-kvm check-robust-kvm
.PHONY: check-robust-qemu check-smp check-smp-kvm check-smp-qemu check-full check-qemu-kvm
.PHONY: native-results
stress: $(STRESS_PROGS)

$(STRESS_OUT)/%: test/stress/%.c $(wildcard test/stress/*.h) \
		mk/test-platforms.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -pthread -o $@ $<

native-results: test-linux
	$(Q)test/linux/run -q --dir $(LT_OUT) --native-only \
		--save-native $(NATIVE_RESULTS) > $(LT_OUT)/native.log || \
		{ cat $(LT_OUT)/native.log; false; }

check-linux-qemu: native-results $(O)/mica ## Linux behaviours under QEMU
	$(Q)test/linux/run --dir $(LT_OUT) --mica $(O)/mica --platform qemu \
		$(LT_SLOW) $(LT_ARGS) $(LT_SHORT)

check-linux-kvm: native-results $(O)/mica ## Linux behaviours on the kvm platform
	$(Q)for family in $(LT_KVM); do \
		$(NESTED) --timeout $(NESTED_TIMEOUT) -- test/linux/run \
			--dir $(LT_OUT) --mica $(O)/mica --platform kvm \
			$(LT_SLOW) $(LT_ARGS) $$family; \
	done | awk -v wanted=$(words $(LT_KVM)) "$$SUM_OF_RUNS"

check-smp: $(STRESS_PROGS) $(O)/mica ## stress with 1, 2 and 4 processors
	$(Q)test/stress/run --dir $(STRESS_OUT) --mica $(O)/mica \
		--platform process --seconds $(STRESS_SECONDS) --cpus 2 $(STRESS)

check-smp-qemu: $(STRESS_PROGS) $(O)/mica ## the same under QEMU
	$(Q)test/stress/run --dir $(STRESS_OUT) --mica $(O)/mica \
		--platform qemu --seconds $(STRESS_SECONDS) --cpus 1,2,4 \
		--together $(STRESS)

check-smp-kvm: $(STRESS_PROGS) $(O)/mica ## the same on the kvm platform
	$(Q)$(NESTED) --timeout 900 --smp 4 -- test/stress/run \
		--dir $(STRESS_OUT) --mica $(O)/mica --platform kvm \
		--seconds $(STRESS_SECONDS) --cpus 1,2,4 $(STRESS)

CLI_SHORT := -k sh- -k bash- -k busybox -k options/ -k musl
check-cli-kvm: $(O)/mica ## programs and command line on the kvm platform
	$(Q)$(NESTED) --timeout 1500 -- test/cli/run -j2 --mica $(O)/mica \
		--work /tmp/cli-work --platform kvm --patience 10 $(CLI_SHORT)

check-robust-kvm: $(O)/mica ## kills and hogs on the kvm platform
	$(Q)$(NESTED) --timeout 1500 -- sh -c \
		'mkdir /run/tmp && TMPDIR=/run/tmp exec "$$@"' sh \
		test/robust/run --mica $(O)/mica --platform kvm --patience 8 \
		--rounds 12

check-robust-qemu: $(O)/mica ## kills and hogs under QEMU
	$(Q)test/robust/run --mica $(O)/mica --platform qemu --patience 4 \
		--rounds 8

# The whole of every lane; hours on a small machine.
FULL := linux linux-overlay linux-volume linux-qemu linux-kvm cli cli-kvm \
	isolation robust robust-qemu robust-kvm failures-qemu failures-kvm smp smp-qemu \
	smp-kvm rt rt-qemu rt-kvm linux-rt
check-full: ## every lane, all of it
	@for s in $(FULL); do MICA_KEEP_GOING=1 tools/suite full-$$s \
		$(MAKE) -s --no-print-directory check-$$s \
		LT_KVM="$(LT_SHORT)" CLI_SHORT= STRESS_SECONDS=15 \
		NESTED_TIMEOUT=20000; done
	@tools/sum-results $(addprefix full-,$(FULL))

check-qemu-kvm: $(O)/mica ## QEMU -accel kvm in the nested lane
	$(Q)$(NESTED) --timeout 600 -- sh -c 'ok=0; for n in 1 2 3; do \
		MICA_QEMU_ARGS="-accel kvm -cpu host" $(O)/mica run \
		--platform=qemu --cpus 1 -- echo $$n && ok=$$((ok + 1)); done; \
		echo "$$ok passed, $$((3 - ok)) failed"; test $$ok = 3'
