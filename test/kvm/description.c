/* SPDX-License-Identifier: MIT */
/* Writes a sandbox's description that says nothing but that it is one, for
 * test/kvm/boot. */
#include "abi/boot.h"
#include "abi/machine.h"
#include <stdio.h>
#include <string.h>

int main(void)
{
	static char bytes[ABI_MODULE_BLOB + 4096];
	struct abi_boot b = {
		.magic = ABI_BOOT_MAGIC, .version = ABI_BOOT_VERSION,
		.size = sizeof(b), .blob = ABI_MODULE_BLOB, .blob_size = 16,
	};

	memcpy(bytes, &b, sizeof(b));
	return fwrite(bytes, sizeof(bytes), 1, stdout) != 1;
}
