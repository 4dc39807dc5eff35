/* SPDX-License-Identifier: MIT */
/*
 * AVL tree: the heights of two siblings differ by at most one. After a change
 * every node from there to the root is rebalanced and its summary recomputed.
 */
#include "lib/avl.h"

static int height(const struct avl_node *n)
{
	return n ? n->height : 0;
}

static void recompute(struct avl_tree *t, struct avl_node *n)
{
	n->height = 1 + MAX(height(n->left), height(n->right));
	if (t->update)
		t->update(n);
}

/* Put n in the place of old under old's parent. */
static void replace(struct avl_tree *t, struct avl_node *old,
		    struct avl_node *n)
{
	struct avl_node *p = old->parent;

	if (!p)
		t->root = n;
	else if (p->left == old)
		p->left = n;
	else
		p->right = n;
	if (n)
		n->parent = p;
}

/* The left (or right) child of n comes up; n becomes its child. */
static struct avl_node *rotate(struct avl_tree *t, struct avl_node *n,
			       bool left_up)
{
	struct avl_node *up = left_up ? n->left : n->right;
	struct avl_node *inner = left_up ? up->right : up->left;

	replace(t, n, up);
	if (left_up) {
		n->left = inner;
		up->right = n;
	} else {
		n->right = inner;
		up->left = n;
	}
	n->parent = up;
	if (inner)
		inner->parent = n;
	recompute(t, n);
	recompute(t, up);
	return up;
}

static struct avl_node *balance(struct avl_tree *t, struct avl_node *n)
{
	int diff = height(n->left) - height(n->right);

	if (diff > 1) {
		if (height(n->left->left) < height(n->left->right))
			rotate(t, n->left, false);
		return rotate(t, n, true);
	}
	if (diff < -1) {
		if (height(n->right->right) < height(n->right->left))
			rotate(t, n->right, true);
		return rotate(t, n, false);
	}
	return n;
}

static void rebalance_up(struct avl_tree *t, struct avl_node *n)
{
	for (; n; n = n->parent) {
		recompute(t, n);
		n = balance(t, n);
	}
}

void avl_insert(struct avl_tree *t, struct avl_node *n,
		struct avl_node *parent, bool right)
{
	n->left = n->right = NULL;
	n->parent = parent;
	if (!parent)
		t->root = n;
	else if (right)
		parent->right = n;
	else
		parent->left = n;
	rebalance_up(t, n);
}

void avl_remove(struct avl_tree *t, struct avl_node *n)
{
	struct avl_node *from, *next;

	if (!n->left || !n->right) {
		from = n->parent;
		replace(t, n, n->left ? n->left : n->right);
		rebalance_up(t, from);
		return;
	}
	for (next = n->right; next->left; next = next->left)
		;
	from = next->parent == n ? next : next->parent;
	replace(t, next, next->right);
	replace(t, n, next);
	next->left = n->left;
	next->left->parent = next;
	next->right = n->right;
	if (next->right)
		next->right->parent = next;
	rebalance_up(t, from);
}

void avl_refresh(struct avl_tree *t, struct avl_node *n)
{
	for (; n; n = n->parent)
		recompute(t, n);
}
