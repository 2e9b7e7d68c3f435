
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the accounts with devices in this worker.
 */


#include "ngx_pimap_device_room.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_zone.h"


static ngx_pimap_account_pt  ngx_pimap_account_release;


void
ngx_pimap_account_init_process(ngx_pimap_account_pt release)
{
    ngx_pimap_account_release = release;
}


ngx_pimap_account_t *
ngx_pimap_account_get(ngx_str_t *name, ngx_log_t *log)
{
    ngx_pimap_account_t  *account;

    account = ngx_pimap_subscription_find(name);

    if (account) {
        return account;
    }

    account = ngx_pimap_heap_record(offsetof(ngx_pimap_account_t, name)
                                    + name->len, log);
    if (account == NULL) {
        return NULL;
    }

    ngx_memcpy(account->name, name->data, name->len);

    account->sub.sn.str.data = account->name;
    account->sub.sn.str.len = name->len;

    ngx_queue_init(&account->devices);

    ngx_pimap_subscriber_add(&account->sub);

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

    ngx_pimap_account_unproven(account, 0);
    ngx_pimap_account_release(account);
    ngx_pimap_log_reader_forget(&account->reader);
    ngx_pimap_subscriber_remove(&account->sub);

    ngx_pimap_heap_record_free(account);
}


void
ngx_pimap_account_unproven(ngx_pimap_account_t *account, ngx_uint_t unproven)
{
    if (account->unproven == unproven) {
        return;
    }

    account->unproven = unproven;

    if (unproven) {
        ngx_pimap_count(accounts_unproven);

    } else {
        ngx_pimap_uncount(accounts_unproven);
    }
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
                       &account->sub.sn.str, n, (ngx_uint_t) account->waiters,
                       (ngx_uint_t) account->incoming,
                       account->last_id.epoch, account->last_id.n);
}

#endif
