/* SPDX-License-Identifier: MIT */
/* Included before everything: all symbols lie in one image, so no GOT. */
#pragma once
#pragma GCC visibility push(hidden)
