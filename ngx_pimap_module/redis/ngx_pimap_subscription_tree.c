
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the tree of accounts by name.  Each is a subscription of this worker.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_zone.h"


static ngx_rbtree_node_t *ngx_pimap_subscription_first(void);


static ngx_rbtree_t       ngx_pimap_subscriptions;
static ngx_rbtree_node_t  ngx_pimap_subscriptions_sentinel;


void
ngx_pimap_subscription_init_process(void)
{
    ngx_rbtree_init(&ngx_pimap_subscriptions,
                    &ngx_pimap_subscriptions_sentinel,
                    ngx_str_rbtree_insert_value);
}


void
ngx_pimap_subscription_insert(ngx_pimap_subscription_t *sub)
{
    sub->sn.node.key = ngx_murmur_hash2(sub->sn.str.data, sub->sn.str.len);

    ngx_rbtree_insert(&ngx_pimap_subscriptions, &sub->sn.node);
    ngx_pimap_count(accounts);
}


void
ngx_pimap_subscription_delete(ngx_pimap_subscription_t *sub)
{
    ngx_rbtree_delete(&ngx_pimap_subscriptions, &sub->sn.node);
    ngx_pimap_uncount(accounts);
}


ngx_pimap_account_t *
ngx_pimap_subscription_find(ngx_str_t *name)
{
    return (ngx_pimap_account_t *)
               ngx_str_rbtree_lookup(&ngx_pimap_subscriptions, name,
                                     ngx_murmur_hash2(name->data, name->len));
}


void
ngx_pimap_subscription_each(ngx_pimap_account_pt handler)
{
    ngx_rbtree_node_t  *node;

    for (node = ngx_pimap_subscription_first();
         node;
         node = ngx_rbtree_next(&ngx_pimap_subscriptions, node))
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

    for (next = ngx_pimap_subscription_first();
         next;
         next = ngx_rbtree_next(&ngx_pimap_subscriptions, next))
    {
        sub = (ngx_pimap_subscription_t *) next;

        if (ngx_pimap_node_owner(sub->slot) == node) {
            handler((ngx_pimap_account_t *) sub);
        }
    }
}


static ngx_rbtree_node_t *
ngx_pimap_subscription_first(void)
{
    if (ngx_pimap_subscriptions.root == &ngx_pimap_subscriptions_sentinel) {
        return NULL;
    }

    return ngx_rbtree_min(ngx_pimap_subscriptions.root,
                          &ngx_pimap_subscriptions_sentinel);
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
    ngx_rbtree_node_t  *node, *next;

    next = NULL;
    node = ngx_pimap_subscriptions.root;

    while (node != &ngx_pimap_subscriptions_sentinel) {

        if (node->key <= walk->hash) {
            node = node->right;

        } else {
            next = node;
            node = node->left;
        }
    }

    while (n--) {

        if (next == NULL) {
            next = ngx_pimap_subscription_first();

            if (next == NULL) {
                return;
            }
        }

        walk->hash = next->key;

        /* names with the same hash are not told apart */

        do {
            handler((ngx_pimap_account_t *) next);
            next = ngx_rbtree_next(&ngx_pimap_subscriptions, next);

        } while (next && next->key == walk->hash);
    }
}
