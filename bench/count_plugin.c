/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU's emulation that counts guest instructions between two
 * addresses (bench/count):
 *
 *     -plugin count.so,from=0xA,to=0xB,out=FILE
 *
 * Counting begins when the guest gets to A for the first time and ends when it
 * gets to B; then FILE gets "total N" and a line "address instructions runs"
 * for each block of code that ran, for those who ask where they went. One
 * processor. Blocks are counted whole, so the figure is right to a block's
 * length. An instruction with a `rep` prefix counts for each repetition, as
 * with -icount: the emulation makes each a run of its own.
 *
 * The interface is that of QEMU's documentation (docs/devel/tcg-plugins.rst),
 * version 1; its header is in no package, so what is used is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_info;
typedef uint64_t plugin_id;

enum { NO_REGISTERS = 0, ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(
	plugin_id id, void (*fn)(plugin_id id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(
	struct qemu_plugin_tb *tb, void (*fn)(unsigned int cpu, void *arg),
	int flags, void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info,
			       int argc, char **argv);

struct block {
	struct block *next;
	uint64_t address, nr_insns, runs;
};

static struct {
	uint64_t from, to;
	FILE *out;
	struct block *blocks;
	bool counts, ended;
} state;

static void report(void)
{
	uint64_t total = 0;

	for (struct block *b = state.blocks; b; b = b->next)
		total += b->runs * b->nr_insns;
	fprintf(state.out, "total %" PRIu64 "\n", total);
	for (struct block *b = state.blocks; b; b = b->next)
		if (b->runs)
			fprintf(state.out, "%" PRIx64 " %" PRIu64 " %" PRIu64
				"\n", b->address, b->nr_insns, b->runs);
	fclose(state.out);
	state.ended = true;
}

static void on_run(unsigned int cpu, void *arg)
{
	struct block *b = arg;

	if (state.ended)
		return;
	if (b->address == state.from)
		state.counts = true;
	if (state.counts && b->address == state.to)
		report();
	else if (state.counts)
		b->runs++;
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->address = qemu_plugin_tb_vaddr(tb);
	b->nr_insns = qemu_plugin_tb_n_insns(tb);
	b->next = state.blocks;
	state.blocks = b;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_run, NO_REGISTERS, b);
}

int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "from=", 5))
			state.from = strtoull(argv[i] + 5, NULL, 0);
		else if (!strncmp(argv[i], "to=", 3))
			state.to = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "out=", 4))
			state.out = fopen(argv[i] + 4, "w");
	}
	if (!state.out || !state.to)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
