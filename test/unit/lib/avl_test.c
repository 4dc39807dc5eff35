/* SPDX-License-Identifier: MIT */
/*
 * The balanced tree against a plain array: random insertions and removals,
 * after each of which order, balance, parents and summaries are checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include "lib/avl.h"

#define NR_ITEMS 300
#define NR_STEPS 20000

struct item {
	struct avl_node node;
	uint32_t key, weight, heaviest;
	bool in;
};

static struct item items[NR_ITEMS];
static uint32_t random_state;

static struct item *item_of(struct avl_node *n)
{
	return container_of(n, struct item, node);
}

static void update(struct avl_node *n)
{
	struct item *i = item_of(n);

	i->heaviest = i->weight;
	if (n->left)
		i->heaviest = MAX(i->heaviest, item_of(n->left)->heaviest);
	if (n->right)
		i->heaviest = MAX(i->heaviest, item_of(n->right)->heaviest);
}

static uint32_t next_random(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

static void insert(struct avl_tree *t, struct item *i)
{
	struct avl_node *at = t->root, *parent = NULL;
	bool right = false;

	while (at) {
		parent = at;
		right = i->key > item_of(at)->key;
		at = right ? at->right : at->left;
	}
	avl_insert(t, &i->node, parent, right);
	i->in = true;
}

/* Returns the number of nodes, or -1 if something is broken. */
static int check(struct avl_node *n, struct avl_node *parent, int64_t low,
		 int64_t high)
{
	uint32_t heaviest, key;
	int l, r, hl, hr;

	if (!n)
		return 0;
	key = item_of(n)->key;
	l = check(n->left, n, low, key);
	r = check(n->right, n, key, high);
	hl = n->left ? n->left->height : 0;
	hr = n->right ? n->right->height : 0;
	heaviest = item_of(n)->heaviest;
	update(n);
	if (l < 0 || r < 0 || n->parent != parent || key <= low ||
	    key >= high || abs(hl - hr) > 1 || n->height != MAX(hl, hr) + 1 ||
	    heaviest != item_of(n)->heaviest)
		return -1;
	return l + r + 1;
}

static bool run(uint32_t seed)
{
	struct avl_tree t = { NULL, update };
	int count = 0;

	random_state = seed;
	for (int i = 0; i < NR_ITEMS; i++)
		items[i] = (struct item){ .key = (uint32_t)i + 1 };
	for (int step = 0; step < NR_STEPS; step++) {
		struct item *i = &items[next_random(NR_ITEMS)];

		if (!i->in) {
			i->weight = next_random(1000);
			insert(&t, i);
			count++;
		} else if (next_random(4) == 0) {
			i->weight = next_random(1000);
			avl_refresh(&t, &i->node);
		} else {
			avl_remove(&t, &i->node);
			i->in = false;
			count--;
		}
		if (check(t.root, NULL, 0, NR_ITEMS + 1) != count)
			return false;
	}
	return true;
}

int main(void)
{
	int failed = 0;

	printf("1..5\n");
	for (uint32_t seed = 1; seed <= 5; seed++) {
		bool ok = run(seed);

		printf("%sok %u - random changes, seed %u\n", ok ? "" : "not ",
		       seed, seed);
		failed += !ok;
	}
	return failed != 0;
}
