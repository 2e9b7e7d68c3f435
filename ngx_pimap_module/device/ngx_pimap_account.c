
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "ngx_pimap_account.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_zone.h"


static ngx_rbtree_t       ngx_pimap_accounts;
static ngx_rbtree_node_t  ngx_pimap_accounts_sentinel;

static void             (*ngx_pimap_account_release)(
                              ngx_pimap_account_t *account);


ngx_int_t
ngx_pimap_account_init_process(void (*release)(ngx_pimap_account_t *account))
{
    ngx_pimap_account_release = release;

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

    ngx_pimap_account_dbg(account, "created");

    return account;
}


void
ngx_pimap_account_put(ngx_pimap_account_t *account)
{
    if (!ngx_queue_empty(&account->devices) || account->incoming
        || account->waiters)
    {
        return;
    }

    ngx_pimap_account_dbg(account, "freed");

    ngx_pimap_account_release(account);
    ngx_pimap_log_reader_forget(&account->reader);
    ngx_pimap_subscriber_remove(account);

    ngx_rbtree_delete(&ngx_pimap_accounts, &account->sn.node);

    ngx_pimap_uncount(accounts);

    ngx_free(account);
}


#if (NGX_DEBUG)

void
ngx_pimap_account_dbg(ngx_pimap_account_t *account, const char *state)
{
    ngx_uint_t    n;
    ngx_log_t    *log;
    ngx_queue_t  *q;

    log = ngx_cycle->log;

    if (!(log->log_level & NGX_LOG_DEBUG_HTTP)) {
        return;
    }

    n = 0;

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        n++;
    }

    ngx_log_error_core(NGX_LOG_DEBUG, log, 0,
                       "pimap account: %s account:\"%V\" devices:%ui "
                       "waiters:%ui incoming:%ui id:%uL-%uL", state,
                       &account->sn.str, n, (ngx_uint_t) account->waiters,
                       (ngx_uint_t) account->incoming,
                       account->last_id.epoch, account->last_id.n);
}

#endif
