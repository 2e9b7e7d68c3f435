
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A tree of accounts, by the hash of their names.
 */


#include "ngx_pimap_account.h"
#include "ngx_pimap_coalesce.h"
#include "ngx_pimap_gap.h"
#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_zone.h"


static ngx_rbtree_t       ngx_pimap_accounts;
static ngx_rbtree_node_t  ngx_pimap_accounts_sentinel;


ngx_int_t
ngx_pimap_account_init_process(ngx_cycle_t *cycle)
{
    ngx_rbtree_init(&ngx_pimap_accounts, &ngx_pimap_accounts_sentinel,
                    ngx_str_rbtree_insert_value);

    return NGX_OK;
}


ngx_pimap_account_t *
ngx_pimap_account_find(ngx_str_t *name)
{
    uint32_t  hash;

    hash = ngx_murmur_hash2(name->data, name->len);

    return (ngx_pimap_account_t *)
               ngx_str_rbtree_lookup(&ngx_pimap_accounts, name, hash);
}


void
ngx_pimap_account_each(void (*handler)(ngx_pimap_account_t *account))
{
    ngx_rbtree_node_t  *node;

    if (ngx_pimap_accounts.root == &ngx_pimap_accounts_sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(ngx_pimap_accounts.root,
                               &ngx_pimap_accounts_sentinel);
         node;
         node = ngx_rbtree_next(&ngx_pimap_accounts, node))
    {
        handler((ngx_pimap_account_t *) node);
    }
}


void
ngx_pimap_account_each_of(uint32_t from, ngx_uint_t bits,
    void (*handler)(ngx_pimap_account_t *account))
{
    uint32_t            last;
    ngx_rbtree_node_t  *node, *first;

    last = from | (0xffffffffu >> bits);
    first = NULL;
    node = ngx_pimap_accounts.root;

    while (node != &ngx_pimap_accounts_sentinel) {

        if (node->key < from) {
            node = node->right;

        } else {
            first = node;
            node = node->left;
        }
    }

    for (node = first;
         node && node->key <= last;
         node = ngx_rbtree_next(&ngx_pimap_accounts, node))
    {
        handler((ngx_pimap_account_t *) node);
    }
}


ngx_pimap_account_t *
ngx_pimap_account_get(ngx_str_t *name, ngx_log_t *log)
{
    ngx_pimap_account_t  *account;

    account = ngx_pimap_account_find(name);

    if (account) {
        return account;
    }

    account = ngx_calloc(offsetof(ngx_pimap_account_t, name) + name->len, log);
    if (account == NULL) {
        return NULL;
    }

    ngx_memcpy(account->name, name->data, name->len);

    account->sn.str.data = account->name;
    account->sn.str.len = name->len;
    account->sn.node.key = ngx_murmur_hash2(name->data, name->len);

    ngx_queue_init(&account->devices);

    ngx_rbtree_insert(&ngx_pimap_accounts, &account->sn.node);

    ngx_pimap_count(accounts);

    ngx_pimap_subscriber_add(account);

    return account;
}


void
ngx_pimap_account_put(ngx_pimap_account_t *account)
{
    if (!ngx_queue_empty(&account->devices) || account->guests
        || account->waiters)
    {
        return;
    }

    ngx_pimap_coalesce_forget(account);
    ngx_pimap_gap_forget(&account->reader);
    ngx_pimap_subscriber_remove(account);

    ngx_rbtree_delete(&ngx_pimap_accounts, &account->sn.node);

    ngx_pimap_uncount(accounts);

    ngx_free(account);
}
