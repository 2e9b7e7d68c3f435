
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Says whether an account waits for its marker.  Counts devices that were
 * handed over, and those that were lost.
 */


#include "ngx_pimap_handover_transfer.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_TRANSFER_WAIT   500       /* turns of 10 msec */
#define NGX_PIMAP_TRANSFER_QUIET  60        /* seconds, of the log */


static void ngx_pimap_transfer_unordered(ngx_uint_t peer);


void
ngx_pimap_transfer_queue(ngx_queue_t *queue, ngx_str_t *account)
{
    ngx_pimap_transfer_t  *transfer;

    transfer = ngx_calloc(offsetof(ngx_pimap_transfer_t, name) + account->len,
                          ngx_cycle->log);
    if (transfer == NULL) {
        return;
    }

    ngx_memcpy(transfer->name, account->data, account->len);

    transfer->account.data = transfer->name;
    transfer->account.len = account->len;

    ngx_queue_insert_tail(queue, &transfer->link);
}


ngx_pimap_transfer_t *
ngx_pimap_transfer_find(ngx_queue_t *queue, uint64_t token)
{
    ngx_queue_t           *q;
    ngx_pimap_transfer_t  *transfer;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_pimap_transfer_t, link);

        if (transfer->token == token) {
            return transfer;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_pimap_transfer_late(ngx_pimap_transfer_t *transfer)
{
    return ++transfer->turns > NGX_PIMAP_TRANSFER_WAIT;
}


ngx_uint_t
ngx_pimap_transfer_waits(ngx_pimap_transfer_t *transfer, ngx_uint_t late,
    ngx_uint_t peer)
{
    ngx_pimap_account_t  *account;

    account = ngx_pimap_subscription_find(&transfer->account);

    if (account == NULL || !account->sub.subscribed) {
        return 0;
    }

    if (!late) {
        return 1;
    }

    ngx_pimap_transfer_unordered(peer);

    return 0;
}


static void
ngx_pimap_transfer_unordered(ngx_uint_t peer)
{
    static time_t  logged;

    if (ngx_time() - logged >= NGX_PIMAP_TRANSFER_QUIET) {
        logged = ngx_time();

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap can't order the events of a hand-over: Redis has "
                      "not told the new worker %ui of its accounts in time; "
                      "devices move without it, and may miss events that "
                      "have no id", peer);
    }
}


void
ngx_pimap_transfer_done(ngx_pimap_transfer_t *transfer, ngx_uint_t peer)
{
    ngx_pimap_handover_dbg("acknowledged", peer, &transfer->account,
                           transfer->sockets.n);

    ngx_pimap_count_n(handover_sent, transfer->sockets.n);

    ngx_pimap_unacknowledged_close(&transfer->sockets);
    ngx_free(transfer);
}


void
ngx_pimap_transfer_lost(ngx_pimap_transfer_t *transfer, ngx_uint_t peer)
{
    ngx_uint_t  n;

    n = transfer->sockets.n;

    ngx_pimap_handover_dbg("lost", peer, &transfer->account, n);

    if (n) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap disconnects %ui devices of account \"%V\": "
                      "worker %ui did not acknowledge them, they have to "
                      "connect again", n, &transfer->account, peer);

        ngx_pimap_count_n(ends[NGX_PIMAP_END_ERROR], n);
    }

    ngx_pimap_unacknowledged_shutdown(&transfer->sockets);
    ngx_free(transfer);
}
