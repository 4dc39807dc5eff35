# SPDX-License-Identifier: MIT
# Unit tests: modules built for the host with sanitizers and the fake platform.
