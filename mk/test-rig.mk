# SPDX-License-Identifier: MIT
#
# `make check-rig`: tools/nested, the machine with a real KVM in which the kvm
# platform is tested where the host has none (test/rig). `make rig` fetches and
# makes its parts.

# Once more when the machine itself died, see docs/testing.md.
NESTED ?= tools/nested --again 4

.PHONY: check-rig rig
check-rig: ## the nested lane's machine
	$(Q)test/rig/run

rig: ## fetch and make the parts of the nested lane's machine
	$(Q)tools/nested --prepare
