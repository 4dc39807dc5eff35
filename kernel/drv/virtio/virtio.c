/* SPDX-License-Identifier: MIT */
/* The table of drivers, and the walk over the devices at start. */
#include "drv/virtio/virtio.h"
#include "core/panic.h"
#include "platform/kvm/handover.h"

static const struct virtio_driver *const drivers[] = {
	&virtio_fs_driver, &virtio_rng_driver, &virtio_blk_driver,
	&virtio_console_driver, &virtio_net_driver,
	&virtio_vsock_driver,
};

void virtio_start(const struct handover *h)
{
	for (uint32_t i = 0; i < h->nr_devices; i++) {
		int err = virtio_mmio_attach(&h->devices[i], drivers,
					     ARRAY_LEN(drivers));

		if (err)
			klog("virtio at %#llx: error %d",
			     (unsigned long long)h->devices[i].base, -err);
	}
}

void virtio_start_later(void)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		int err = drivers[i]->later ? drivers[i]->later() : 0;

		if (err)
			klog("virtio %s: error %d", drivers[i]->name, -err);
	}
}
