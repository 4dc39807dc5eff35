/* SPDX-License-Identifier: MIT */
/*
 * Balanced binary tree (AVL), intrusive. The caller walks down by itself and
 * says where a new node goes. An optional function keeps a summary of each
 * subtree in its root (the largest of something, for searches by it).
 */
#pragma once
#include "lib/types.h"

struct avl_node {
	struct avl_node *left, *right, *parent;
	int height;		/* of the subtree; a leaf has 1 */
};

struct avl_tree {
	struct avl_node *root;
	/* Recompute n's summary from n and its children; NULL: none. */
	void (*update)(struct avl_node *n);
};

/* Make n the left or right child of parent, whose child there is NULL;
 * parent NULL: the tree is empty. O(log n). */
void avl_insert(struct avl_tree *t, struct avl_node *n,
		struct avl_node *parent, bool right);
void avl_remove(struct avl_tree *t, struct avl_node *n);
/* What n's own part of the summary is made of has changed. O(log n). */
void avl_refresh(struct avl_tree *t, struct avl_node *n);
