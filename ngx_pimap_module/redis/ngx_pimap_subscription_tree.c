
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the accounts by name.  Each is a subscription of this worker.
 *
 * They are in the order of their hashes, as in one tree, whose upper levels
 * are an array: each level is a line of memory that an event waits for.  Names
 * with the same hash are in a tree, so many of them cost little, too.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_SUBSCRIPTION_BITS   12
#define NGX_PIMAP_SUBSCRIPTION_AHEAD  160       /* bytes, with a short name */
#define NGX_PIMAP_SUBSCRIPTION_TREES  (1 << NGX_PIMAP_SUBSCRIPTION_BITS)


static ngx_rbtree_t *ngx_pimap_subscription_tree(uint32_t hash);
static ngx_rbtree_node_t *ngx_pimap_subscription_first(ngx_rbtree_t *tree);
static ngx_rbtree_node_t *ngx_pimap_subscription_next(
    ngx_rbtree_node_t *node);
static ngx_rbtree_node_t *ngx_pimap_subscription_after(uint32_t hash);


static ngx_rbtree_t       ngx_pimap_subscription_trees
                              [NGX_PIMAP_SUBSCRIPTION_TREES];
static ngx_rbtree_node_t  ngx_pimap_subscription_sentinel;


void
ngx_pimap_subscription_init_process(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_PIMAP_SUBSCRIPTION_TREES; i++) {
        ngx_rbtree_init(&ngx_pimap_subscription_trees[i],
                        &ngx_pimap_subscription_sentinel,
                        ngx_str_rbtree_insert_value);
    }
}


void
ngx_pimap_subscription_insert(ngx_pimap_subscription_t *sub)
{
    sub->sn.node.key = ngx_murmur_hash2(sub->sn.str.data, sub->sn.str.len);

    ngx_rbtree_insert(ngx_pimap_subscription_tree(sub->sn.node.key),
                      &sub->sn.node);
    ngx_pimap_count(accounts);
}


void
ngx_pimap_subscription_delete(ngx_pimap_subscription_t *sub)
{
    ngx_rbtree_delete(ngx_pimap_subscription_tree(sub->sn.node.key),
                      &sub->sn.node);
    ngx_pimap_uncount(accounts);
}


ngx_pimap_account_t *
ngx_pimap_subscription_find(ngx_str_t *name)
{
    uint32_t  hash;

    hash = ngx_murmur_hash2(name->data, name->len);

    return (ngx_pimap_account_t *)
               ngx_str_rbtree_lookup(ngx_pimap_subscription_tree(hash), name,
                                     hash);
}


void
ngx_pimap_subscription_ahead(ngx_str_t *name)
{
    uint32_t  hash;

    hash = ngx_murmur_hash2(name->data, name->len);

    ngx_pimap_prefetch(ngx_pimap_subscription_tree(hash)->root,
                       NGX_PIMAP_SUBSCRIPTION_AHEAD);
}


void
ngx_pimap_subscription_each(ngx_pimap_account_pt handler)
{
    ngx_rbtree_node_t  *node;

    for (node = ngx_pimap_subscription_first(ngx_pimap_subscription_trees);
         node;
         node = ngx_pimap_subscription_next(node))
    {
        handler((ngx_pimap_account_t *) node);
    }
}


void
ngx_pimap_subscription_each_of(ngx_pimap_node_t *node,
    ngx_pimap_account_pt handler)
{
    ngx_rbtree_node_t         *next;
    ngx_pimap_subscription_t  *sub;

    for (next = ngx_pimap_subscription_first(ngx_pimap_subscription_trees);
         next;
         next = ngx_pimap_subscription_next(next))
    {
        sub = (ngx_pimap_subscription_t *) next;

        if (ngx_pimap_node_owner(sub->slot) == node) {
            handler((ngx_pimap_account_t *) sub);
        }
    }
}


static ngx_rbtree_t *
ngx_pimap_subscription_tree(uint32_t hash)
{
    return &ngx_pimap_subscription_trees
               [hash >> (32 - NGX_PIMAP_SUBSCRIPTION_BITS)];
}


/* of this tree, or of those behind it; NULL: there is none */

static ngx_rbtree_node_t *
ngx_pimap_subscription_first(ngx_rbtree_t *tree)
{
    ngx_rbtree_t  *last;

    last = ngx_pimap_subscription_trees + NGX_PIMAP_SUBSCRIPTION_TREES;

    for ( /* void */ ; tree < last; tree++) {

        if (tree->root != tree->sentinel) {
            return ngx_rbtree_min(tree->root, tree->sentinel);
        }
    }

    return NULL;
}


static ngx_rbtree_node_t *
ngx_pimap_subscription_next(ngx_rbtree_node_t *node)
{
    ngx_rbtree_t       *tree;
    ngx_rbtree_node_t  *next;

    tree = ngx_pimap_subscription_tree(node->key);
    next = ngx_rbtree_next(tree, node);

    return next ? next : ngx_pimap_subscription_first(tree + 1);
}


/* with a greater hash */

static ngx_rbtree_node_t *
ngx_pimap_subscription_after(uint32_t hash)
{
    ngx_rbtree_t       *tree;
    ngx_rbtree_node_t  *node, *next;

    tree = ngx_pimap_subscription_tree(hash);
    next = NULL;
    node = tree->root;

    while (node != tree->sentinel) {

        if (node->key <= hash) {
            node = node->right;

        } else {
            next = node;
            node = node->left;
        }
    }

    return next ? next : ngx_pimap_subscription_first(tree + 1);
}


ngx_uint_t
ngx_pimap_subscription_part(ngx_pimap_subscription_walk_t *walk,
    ngx_uint_t parts)
{
    ngx_uint_t  n;

    walk->rest += ngx_pimap_counters->accounts;
    n = walk->rest / parts;
    walk->rest %= parts;

    return n;
}


void
ngx_pimap_subscription_walk(ngx_pimap_subscription_walk_t *walk, ngx_uint_t n,
    ngx_pimap_account_pt handler)
{
    ngx_rbtree_node_t  *next;

    next = ngx_pimap_subscription_after(walk->hash);

    while (n--) {

        if (next == NULL) {
            next = ngx_pimap_subscription_first(ngx_pimap_subscription_trees);

            if (next == NULL) {
                return;
            }
        }

        walk->hash = next->key;

        /* names with the same hash are not told apart */

        do {
            handler((ngx_pimap_account_t *) next);
            next = ngx_pimap_subscription_next(next);

        } while (next && next->key == walk->hash);
    }
}
