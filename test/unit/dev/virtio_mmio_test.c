/* SPDX-License-Identifier: MIT */
/*
 * virtio-mmio: every register in every state, the status protocol, interrupts,
 * and a device thread at work while registers are hammered. The model is one
 * that gives every request back at once. Scripts: virtio_script_test.c.
 */
#include "virtio_mmio_test.h"
#include <pthread.h>
#include <string.h>

#define FEATURES	(VIRTIO_RING_FEATURES | VIRTIO_FEATURE(3))

struct fake_guest g;
struct virtio_dev dev;
unsigned char config[CONFIG_LEN];
uint32_t starts;
static uint32_t resets, kicks;

static enum virtio_served give_back(struct virtio_dev *d,
				    struct virtq_chain *c)
{
	return VIRTIO_DONE;
}

static bool kick(struct virtio_dev *d, uint32_t queue)
{
	kicks++;
	return virtio_dev_serve(d, queue, give_back);
}

static void start(struct virtio_dev *d)
{
	starts++;
}

static void reset(struct virtio_dev *d)
{
	resets++;
}

static void config_write(struct virtio_dev *d, uint32_t offset,
			 const void *data, uint32_t len)
{
	memcpy(config + offset, data, len);
}

static const struct virtio_ops ops = {
	.start = start, .kick = kick, .reset = reset,
	.config_write = config_write,
};

void set_up(void)
{
	guest_init(&g);
	for (uint32_t i = 0; i < CONFIG_LEN; i++)
		config[i] = (unsigned char)(i + 1);
	memset(&dev, 0, sizeof(dev));
	dev.ops = &ops;
	dev.name = "test0";
	dev.type = 42;
	dev.features = FEATURES;
	dev.nr_queues = 2;
	dev.queue_size_max = 64;
	dev.config = config;
	dev.config_len = CONFIG_LEN;
	virtio_dev_init(&dev, &g.memory);
	guest_attach(&g, &dev);
	starts = resets = kicks = 0;
}

void tear_down(void)
{
	virtio_dev_fini(&dev);
	guest_fini(&g);
}

/* ---- states ------------------------------------------------------------------ */

void enter(enum state s)
{
	static const uint32_t status[] = { 0, 1, 3, 11, 11, 15, 15, 15 };

	guest_down(&g);
	if (s <= DRIVER) {
		for (uint32_t v = 1; v <= status[s]; v = v << 1 | 1)
			reg_set(&g, VIRTIO_MMIO_STATUS, v);
		return;
	}
	guest_features(&g, FEATURES);
	if (s > FEATURES_OK) {
		memset(g.low, 0, DATA_BASE - LOW_BASE);
		for (uint32_t i = 0; i < 2; i++)
			guest_queue(&g, i, FAKE_QUEUE_SIZE);
	}
	if (s > QUEUES)
		reg_set(&g, VIRTIO_MMIO_STATUS, S_OK);
	if (s == BROKEN) {
		set_avail_index(&g, 0, 1000);
		virtio_dev_kick(&dev, 0);
	}
	if (s == FAILED)
		reg_set(&g, VIRTIO_MMIO_STATUS, S_OK |
			VIRTIO_CONFIG_S_FAILED);
}

static void test_states(void)
{
	static const uint32_t status[NR_STATES] = { 0, 1, 3, 11, 11, 15,
						    15 | 64, 15 | 128 };

	set_up();
	for (enum state s = RESET; s < NR_STATES; s++) {
		enter(s);
		CHECK(reg_get(&g, VIRTIO_MMIO_STATUS) == status[s]);
		CHECK(dev.running == (s == RUNNING || s == BROKEN));
		CHECK(dev.broken == (s == BROKEN));
	}
	CHECK(starts == 3);
	tear_down();
}

/* ---- every register ------------------------------------------------------------ */

#define BIT(s) (1u << (s))
#define ALWAYS (BIT(NR_STATES) - 1)

struct reg {
	uint32_t offset;
	uint32_t reads;		/* states in which reading is allowed */
	uint32_t writes;	/* ... and writing */
};

/* Queue 0 is selected, the value written is 1. */
static const struct reg regs[] = {
	{ VIRTIO_MMIO_MAGIC_VALUE, ALWAYS, 0 },
	{ VIRTIO_MMIO_VERSION, ALWAYS, 0 },
	{ VIRTIO_MMIO_DEVICE_ID, ALWAYS, 0 },
	{ VIRTIO_MMIO_VENDOR_ID, ALWAYS, 0 },
	{ VIRTIO_MMIO_DEVICE_FEATURES, ALWAYS, 0 },
	{ VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0, ALWAYS },
	{ VIRTIO_MMIO_DRIVER_FEATURES, 0, BIT(DRIVER) },
	{ VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0, ALWAYS },
	{ VIRTIO_MMIO_QUEUE_SEL, 0, ALWAYS },
	{ VIRTIO_MMIO_QUEUE_NUM_MAX, ALWAYS, 0 },
	{ VIRTIO_MMIO_QUEUE_NUM, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_QUEUE_READY, ALWAYS, BIT(FEATURES_OK) | BIT(QUEUES) },
	{ VIRTIO_MMIO_QUEUE_NOTIFY, 0, ALWAYS },
	{ VIRTIO_MMIO_INTERRUPT_STATUS, ALWAYS, 0 },
	{ VIRTIO_MMIO_INTERRUPT_ACK, 0, ALWAYS },
	{ VIRTIO_MMIO_QUEUE_DESC_LOW, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_QUEUE_DESC_HIGH, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_QUEUE_USED_LOW, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_QUEUE_USED_HIGH, 0, BIT(FEATURES_OK) },
	{ VIRTIO_MMIO_SHM_SEL, 0, ALWAYS },
	{ VIRTIO_MMIO_SHM_LEN_LOW, ALWAYS, 0 },
	{ VIRTIO_MMIO_SHM_LEN_HIGH, ALWAYS, 0 },
	{ VIRTIO_MMIO_SHM_BASE_LOW, ALWAYS, 0 },
	{ VIRTIO_MMIO_SHM_BASE_HIGH, ALWAYS, 0 },
	{ VIRTIO_MMIO_CONFIG_GENERATION, ALWAYS, 0 },
};

static const struct reg *reg_of(uint32_t offset)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (regs[i].offset == offset)
			return &regs[i];
	return NULL;
}

static void check_register(enum state s, uint32_t offset)
{
	const struct reg *r = reg_of(offset);
	uint64_t before;
	bool read_ok, write_ok;
	uint32_t v;

	before = g.mmio.nr_refused;
	v = reg_get(&g, offset);
	read_ok = g.mmio.nr_refused == before;
	CHECK(read_ok == (r && r->reads & BIT(s)));
	CHECK(read_ok || !v);
	before = g.mmio.nr_refused;
	reg_set(&g, offset, 1);
	write_ok = g.mmio.nr_refused == before;
	if (write_ok != (r && r->writes & BIT(s)))
		printf("# state %d, register %#x\n", s, offset);
	CHECK(write_ok == (r && r->writes & BIT(s)));
}

static void test_every_register(void)
{
	set_up();
	for (enum state s = RESET; s < NR_STATES; s++)
		for (uint32_t at = 0; at < VIRTIO_MMIO_CONFIG; at += 4) {
			if (at == VIRTIO_MMIO_STATUS)
				continue;
			enter(s);
			reg_set(&g, VIRTIO_MMIO_QUEUE_SEL, 0);
			check_register(s, at);
			/* a queue that does not exist */
			enter(s);
			reg_set(&g, VIRTIO_MMIO_QUEUE_SEL, 77);
			reg_set(&g, at, 0xffffffff);
			reg_get(&g, at);
		}
	tear_down();
}

/* Every width and alignment: what is not a 32-bit access does nothing. */
static void test_widths(void)
{
	unsigned char buf[16];

	set_up();
	for (enum state s = RESET; s < NR_STATES; s++) {
		enter(s);
		for (uint32_t at = 0; at < VIRTIO_MMIO_CONFIG; at++)
			for (uint32_t len = 0; len <= 16; len++) {
				uint64_t before = g.mmio.nr_refused;

				if (len == 4 && !(at & 3))
					continue;
				memset(buf, 0xff, sizeof(buf));
				virtio_mmio_write(&g.mmio, at, buf, len);
				virtio_mmio_read(&g.mmio, at, buf, len);
				CHECK(g.mmio.nr_refused == before + 2);
				CHECK(!len || !buf[len - 1]);
			}
	}
	tear_down();
}

static void test_values(void)
{
	set_up();
	enter(RESET);
	CHECK(reg_get(&g, VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976);
	CHECK(reg_get(&g, VIRTIO_MMIO_VERSION) == 2);
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_ID) == 42);
	CHECK(reg_get(&g, VIRTIO_MMIO_VENDOR_ID) == VIRTIO_MMIO_VENDOR);
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_FEATURES) ==
	      (uint32_t)FEATURES);
	reg_set(&g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_FEATURES) == FEATURES >> 32);
	reg_set(&g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_FEATURES) == 0);
	reg_set(&g, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0xffffffff);
	CHECK(reg_get(&g, VIRTIO_MMIO_DEVICE_FEATURES) == 0);
	CHECK(reg_get(&g, VIRTIO_MMIO_QUEUE_NUM_MAX) == 64);
	reg_set(&g, VIRTIO_MMIO_QUEUE_SEL, 2);
	CHECK(reg_get(&g, VIRTIO_MMIO_QUEUE_NUM_MAX) == 0);
	CHECK(reg_get(&g, VIRTIO_MMIO_QUEUE_READY) == 0);
	CHECK(reg_get(&g, VIRTIO_MMIO_SHM_LEN_LOW) == 0xffffffff);
	tear_down();
}

/* ---- status and features ----------------------------------------------------------- */

static void test_features(void)
{
	set_up();
	CHECK(guest_features(&g, FEATURES) == S_FEAT);
	CHECK(dev.driver_features == FEATURES);
	CHECK(guest_features(&g, VERSION_1) == S_FEAT);
	CHECK(guest_features(&g, FEATURES & ~VERSION_1) == S_DRV);
	CHECK(guest_features(&g, VERSION_1 | VIRTIO_FEATURE(7)) == S_DRV);
	CHECK(guest_features(&g, VERSION_1 | VIRTIO_FEATURE(63)) == S_DRV);
	/* beyond the 64: nothing is offered there */
	guest_down(&g);
	reg_set(&g, VIRTIO_MMIO_STATUS, S_ACK);
	reg_set(&g, VIRTIO_MMIO_STATUS, S_DRV);
	reg_set(&g, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_set(&g, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	reg_set(&g, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	reg_set(&g, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	reg_set(&g, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	reg_set(&g, VIRTIO_MMIO_STATUS, S_FEAT);
	CHECK(reg_get(&g, VIRTIO_MMIO_STATUS) == S_DRV);
	tear_down();
}

/* Every value at every state: only the next bits in order are taken. */
static void test_status_writes(void)
{
	set_up();
	for (enum state s = RESET; s < NR_STATES; s++)
		for (uint32_t v = 1; v < 0x200; v++) {
			uint32_t was, now;

			enter(s);
			was = reg_get(&g, VIRTIO_MMIO_STATUS);
			reg_set(&g, VIRTIO_MMIO_STATUS, v);
			now = reg_get(&g, VIRTIO_MMIO_STATUS);
			CHECK((was & ~now) == 0);
			CHECK((now & ~(was | v)) == 0);
			CHECK(!(now & 2) || (now & 1));
			CHECK(!(now & 8) || (now & 2));
			CHECK(!(now & 4) || (now & 8));
			CHECK(dev.running == ((now & 4) && !(now & 128)));
			if (v > 0xff || was & 0xc0)
				CHECK(now == was);
		}
	tear_down();
}

static void test_reset_forgets(void)
{
	set_up();
	for (enum state s = RESET; s < NR_STATES; s++) {
		enter(s);
		resets = 0;
		reg_set(&g, VIRTIO_MMIO_STATUS, 0);
		CHECK(resets == 1);
		CHECK(reg_get(&g, VIRTIO_MMIO_STATUS) == 0);
		CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
		CHECK(reg_get(&g, VIRTIO_MMIO_QUEUE_READY) == 0);
		CHECK(!dev.queues[0].size && !dev.queues[0].desc);
		CHECK(!dev.driver_features && !dev.running && !dev.broken);
		CHECK(dev.queues[0].memory == &g.memory);
	}
	tear_down();
}

/* ---- queues and doorbells ------------------------------------------------------------ */

static void test_bad_queue(void)
{
	static const struct {
		uint32_t reg, v;
	} cases[] = {
		{ VIRTIO_MMIO_QUEUE_NUM, 0 }, { VIRTIO_MMIO_QUEUE_NUM, 3 },
		{ VIRTIO_MMIO_QUEUE_NUM, 128 },
		{ VIRTIO_MMIO_QUEUE_NUM, 0xffffffff },
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, 0x10001 },
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, 0 },
		{ VIRTIO_MMIO_QUEUE_DESC_HIGH, 0xffffffff },
		{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x10001 },
		{ VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 7 },
		{ VIRTIO_MMIO_QUEUE_USED_LOW, 0x10002 },
		{ VIRTIO_MMIO_QUEUE_USED_HIGH, 7 },
	};

	set_up();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enter(FEATURES_OK);
		guest_queue(&g, 0, 16);
		CHECK(reg_get(&g, VIRTIO_MMIO_QUEUE_READY) == 1);
		/* away with it, and wrong */
		enter(FEATURES_OK);
		guest_queue(&g, 0, 0x200);
		enter(FEATURES_OK);
		reg_set(&g, VIRTIO_MMIO_QUEUE_NUM, 16);
		reg_set(&g, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x10000);
		reg_set(&g, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x10000);
		reg_set(&g, VIRTIO_MMIO_QUEUE_USED_LOW, 0x10000);
		g.nr_reports = dev.nr_reports = 0;
		reg_set(&g, cases[i].reg, cases[i].v);
		reg_set(&g, VIRTIO_MMIO_QUEUE_READY, 1);
		CHECK(reg_get(&g, VIRTIO_MMIO_QUEUE_READY) == 0);
		CHECK(needs_reset(&g) && g.nr_reports == 1);
		CHECK(strstr(g.report, "device test0: stopped"));
	}
	tear_down();
}

static void test_doorbells(void)
{
	set_up();
	enter(QUEUES);
	g.notified = 0;
	reg_set(&g, VIRTIO_MMIO_STATUS, S_OK);
	CHECK(g.notified == 3);		/* rung before it was ready */
	g.notified = 0;
	reg_set(&g, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	CHECK(g.notified == 2);
	reg_set(&g, VIRTIO_MMIO_QUEUE_NOTIFY, 2);
	reg_set(&g, VIRTIO_MMIO_QUEUE_NOTIFY, 0xffffffff);
	CHECK(g.notified == 2);
	tear_down();
}

static void test_unready_queue(void)
{
	set_up();
	enter(FEATURES_OK);
	guest_queue(&g, 1, 16);
	reg_set(&g, VIRTIO_MMIO_STATUS, S_OK);
	set_avail_index(&g, 0, 999);
	CHECK(!virtio_dev_kick(&dev, 0) && !kicks && !needs_reset(&g));
	CHECK(!virtio_dev_kick(&dev, 1) && kicks == 1);
	tear_down();
}

static void test_interrupts(void)
{
	set_up();
	enter(RUNNING);
	g.interrupts = 0;
	put_desc(&g, 1, 0, DATA_BASE, 1, 0, 0);
	offer(&g, 1, 0);
	virtio_dev_kick(&dev, 1);
	CHECK(g.interrupts == 1);
	CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) == 1);
	pthread_mutex_lock(&dev.lock);
	virtio_dev_config_changed(&dev);
	pthread_mutex_unlock(&dev.lock);
	CHECK(g.interrupts == 2);
	CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) == 3);
	CHECK(reg_get(&g, VIRTIO_MMIO_CONFIG_GENERATION) == 1);
	reg_set(&g, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) == 2);
	reg_set(&g, VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff);
	CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
	tear_down();
}

/* ---- broken rings ---------------------------------------------------------------- */

static void test_broken_reports_once(void)
{
	set_up();
	enter(RUNNING);
	g.interrupts = 0;
	set_avail_index(&g, 0, 1000);
	virtio_dev_kick(&dev, 0);
	virtio_dev_kick(&dev, 0);
	set_avail_index(&g, 1, 1000);
	virtio_dev_kick(&dev, 1);
	CHECK(needs_reset(&g) && g.nr_reports == 1 && g.interrupts == 1);
	CHECK(reg_get(&g, VIRTIO_MMIO_INTERRUPT_STATUS) ==
	      VIRTIO_MMIO_INT_CONFIG);
	CHECK(!strcmp(g.report, "device test0: stopped, the driver broke "
		      "queue 0: the available index went beyond the ring"));
	/* a driver that does it again and again does not fill the log */
	for (int i = 0; i < 50; i++)
		enter(BROKEN);
	CHECK(g.nr_reports == VIRTIO_REPORTS_MAX);
	CHECK(strstr(g.report, "last report"));
	tear_down();
}

/* ---- configuration ---------------------------------------------------------------------- */

static void test_config(void)
{
	unsigned char buf[32];
	uint64_t at = VIRTIO_MMIO_CONFIG;

	set_up();
	CHECK(reg_get(&g, at) == 0x04030201);
	virtio_mmio_read(&g.mmio, at + 3, buf, 1);
	CHECK(buf[0] == 4);
	virtio_mmio_read(&g.mmio, at + 8, buf, 8);
	CHECK(!memcmp(buf, "\x9\xa\xb\xc\0\0\0\0", 8));
	virtio_mmio_read(&g.mmio, at + CONFIG_LEN, buf, 1);
	CHECK(!buf[0]);
	virtio_mmio_read(&g.mmio, UINT64_MAX, buf, 8);
	virtio_mmio_read(&g.mmio, at, buf, 32);
	CHECK(!memcmp(buf, config, CONFIG_LEN) && !buf[31]);
	/* writing: a driver must be there, and within bounds */
	virtio_mmio_write(&g.mmio, at, "xxxx", 4);
	CHECK(config[0] == 1);
	enter(RUNNING);
	virtio_mmio_write(&g.mmio, at + 1, "yz", 2);
	CHECK(config[0] == 1 && config[1] == 'y' && config[2] == 'z');
	virtio_mmio_write(&g.mmio, at + CONFIG_LEN - 1, "ab", 2);
	virtio_mmio_write(&g.mmio, UINT64_MAX, "ab", 2);
	CHECK(config[CONFIG_LEN - 1] == CONFIG_LEN);
	enter(BROKEN);
	virtio_mmio_write(&g.mmio, at, "x", 1);
	CHECK(config[0] == 1);
	tear_down();
}

/* ---- threads -------------------------------------------------------------------------------- */

static bool stop_work;

static void *work(void *arg)
{
	while (!__atomic_load_n(&stop_work, __ATOMIC_ACQUIRE)) {
		virtio_dev_kick(&dev, 0);
		virtio_dev_kick(&dev, 1);
	}
	return NULL;
}

static void *hammer(void *arg)
{
	uint32_t seed = 7;

	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 31)
			reg_get(&g, seed >> 8 & 0x1fc);
		else
			reg_set(&g, seed >> 8 & 0xfc, seed >> 16);
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t worker, other;

	set_up();
	stop_work = false;
	CHECK(!pthread_create(&worker, NULL, work, NULL));
	CHECK(!pthread_create(&other, NULL, hammer, NULL));
	for (int i = 0; i < 2000; i++) {
		enter((enum state)(i % NR_STATES));
		put_desc(&g, 0, 0, DATA_BASE, 1, 0, 0);
		offer(&g, 0, 0);
	}
	pthread_join(other, NULL);
	__atomic_store_n(&stop_work, true, __ATOMIC_RELEASE);
	pthread_join(worker, NULL);
	/* and it still works */
	enter(RUNNING);
	CHECK(reg_get(&g, VIRTIO_MMIO_STATUS) == S_OK);
	tear_down();
}

const struct unit_test mmio_tests[] = {
	{ "states", test_states },
	{ "every register in every state", test_every_register },
	{ "widths and alignments", test_widths }, { "values", test_values },
	{ "features", test_features },
	{ "every status in every state", test_status_writes },
	{ "reset forgets", test_reset_forgets },
	{ "bad queues", test_bad_queue }, { "doorbells", test_doorbells },
	{ "queue not ready", test_unready_queue },
	{ "interrupts", test_interrupts },
	{ "broken: one report", test_broken_reports_once },
	{ "configuration", test_config }, { "threads", test_threads },
	{ NULL, NULL },
};
