
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each account goes to the peer with the fewest devices, a window of accounts
 * at a time.  Devices that cannot be handed over stay, and are drained.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_handover_peer.h"
#include "ngx_pimap_handover_transfer.h"

#include <openssl/rand.h>


#define NGX_PIMAP_HANDOVER_SENDER_LIMIT  10000  /* msec without any progress */


static void ngx_pimap_handover_sender_account(ngx_pimap_account_t *account);
static ngx_uint_t ngx_pimap_handover_sender_possible(ngx_pimap_device_t *d);
static ngx_uint_t ngx_pimap_handover_sender_busy(void);
static void ngx_pimap_handover_sender_late(ngx_pimap_handover_peer_t *peer);
static void ngx_pimap_handover_sender_room(void);
static ngx_int_t ngx_pimap_handover_sender_ask(
    ngx_pimap_handover_peer_t *peer, ngx_pimap_transfer_t *transfer);
static ngx_int_t ngx_pimap_handover_sender_devices(
    ngx_pimap_handover_peer_t *peer, ngx_pimap_transfer_t *transfer);
static ngx_int_t ngx_pimap_handover_sender_device(
    ngx_pimap_handover_peer_t *peer, ngx_pimap_transfer_t *transfer,
    ngx_pimap_device_t *d);
static ngx_int_t ngx_pimap_handover_sender_end(
    ngx_pimap_handover_peer_t *peer, ngx_pimap_transfer_t *transfer);
static ngx_int_t ngx_pimap_handover_sender_writable(
    ngx_pimap_handover_peer_t *peer);
static void ngx_pimap_handover_sender_done(ngx_pimap_handover_peer_t *peer,
    uint64_t token);
static void ngx_pimap_handover_sender_closing(
    ngx_pimap_handover_peer_t *peer);
static void ngx_pimap_handover_sender_gone(ngx_pimap_handover_peer_t *peer);
static void ngx_pimap_handover_sender_finish(void);
static ngx_uint_t ngx_pimap_handover_sender_left(ngx_str_t *name);


static const ngx_pimap_handover_peer_ops_t  ngx_pimap_handover_sender_ops = {
    ngx_pimap_handover_sender_room,
    ngx_pimap_handover_sender_writable,
    ngx_pimap_handover_sender_done,
    ngx_pimap_handover_sender_closing,
    ngx_pimap_handover_sender_gone
};

static ngx_queue_t   ngx_pimap_handover_sender_queued;
static uint64_t      ngx_pimap_handover_sender_token;
static ngx_uint_t    ngx_pimap_handover_sender_count;
static ngx_msec_t    ngx_pimap_handover_sender_began;
static ngx_msec_t    ngx_pimap_handover_sender_progress;


ngx_int_t
ngx_pimap_handover_sender_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_handover_sender_queued);

    /* tokens of other hosts in the same channels must differ */

    return RAND_bytes((u_char *) &ngx_pimap_handover_sender_token,
                      sizeof(uint64_t)) == 1 ? NGX_OK : NGX_ERROR;
}


void
ngx_pimap_handover_sender_start(void)
{
    if (!ngx_pimap_handover_socket_takers()) {
        return;
    }

    ngx_pimap_handover_sender_began = ngx_current_msec;
    ngx_pimap_handover_sender_progress = ngx_current_msec;

    ngx_pimap_subscription_each(ngx_pimap_handover_sender_account);
    ngx_pimap_handover_peer_begin(&ngx_pimap_handover_sender_ops);
}


static void
ngx_pimap_handover_sender_account(ngx_pimap_account_t *account)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        if (ngx_pimap_handover_sender_possible(ngx_queue_data(q,
                                                     ngx_pimap_device_t,
                                                     link)))
        {
            ngx_pimap_transfer_queue(&ngx_pimap_handover_sender_queued,
                                     &account->sub.sn.str);
            return;
        }
    }
}


static ngx_uint_t
ngx_pimap_handover_sender_possible(ngx_pimap_device_t *d)
{
    return !d->closing && !d->leaving
           && (d->kind == NGX_PIMAP_DETACHED
               || d->kind == NGX_PIMAP_HIBERNATED);
}


ngx_int_t
ngx_pimap_handover_sender_turn(void)
{
    ngx_pimap_handover_peer_t  *peer, *next;

    if (ngx_queue_empty(&ngx_pimap_handover_sender_queued)
        && ngx_pimap_handover_peer_next(NULL) == NULL)
    {
        return NGX_OK;
    }

    if (!ngx_queue_empty(&ngx_pimap_handover_sender_queued)) {
        ngx_pimap_handover_peer_search();
    }

    for (peer = ngx_pimap_handover_peer_next(NULL); peer; peer = next) {
        next = ngx_pimap_handover_peer_next(peer);

        if (ngx_pimap_handover_peer_retry(peer) == NGX_OK) {
            ngx_pimap_handover_sender_late(peer);
        }
    }

    ngx_pimap_handover_sender_room();

    if (ngx_pimap_handover_sender_busy()
        && ngx_current_msec - ngx_pimap_handover_sender_progress
           < NGX_PIMAP_HANDOVER_SENDER_LIMIT)
    {
        return NGX_AGAIN;
    }

    ngx_pimap_handover_sender_finish();

    return NGX_OK;
}


/* A transfer is incomplete, or a peer may still take a queued one. */

static ngx_uint_t
ngx_pimap_handover_sender_busy(void)
{
    ngx_uint_t                  queued;
    ngx_pimap_handover_peer_t  *peer;

    queued = !ngx_queue_empty(&ngx_pimap_handover_sender_queued);

    for (peer = ngx_pimap_handover_peer_next(NULL); peer;
         peer = ngx_pimap_handover_peer_next(peer))
    {
        if (peer->ntransfers
            || (peer->accepted && !peer->closing && queued
                && !ngx_pimap_handover_peer_crowded(peer)))
        {
            return 1;
        }
    }

    return queued && ngx_pimap_handover_peer_searching();
}


/*
 * While Redis is in trouble, a marker may never come.  Then those of the next
 * accounts are not waited for, until one comes.  Nor does it come if all
 * devices of the account have left, because the worker is not subscribed then.
 */

static void
ngx_pimap_handover_sender_late(ngx_pimap_handover_peer_t *peer)
{
    ngx_uint_t             late;
    ngx_queue_t           *q, *next;
    ngx_pimap_transfer_t  *transfer;

    for (q = ngx_queue_head(&peer->transfers);
         q != ngx_queue_sentinel(&peer->transfers);
         q = next)
    {
        next = ngx_queue_next(q);
        transfer = ngx_queue_data(q, ngx_pimap_transfer_t, link);

        if (transfer->state != NGX_PIMAP_TRANSFER_ASKED) {
            continue;
        }

        late = ngx_pimap_transfer_late(transfer);
        peer->late |= late;

        if (!ngx_pimap_transfer_waits(transfer, late, peer->worker)
            && ngx_pimap_handover_sender_devices(peer, transfer) == NGX_ERROR)
        {
            ngx_pimap_handover_peer_drop(peer);
            return;
        }
    }
}


static void
ngx_pimap_handover_sender_room(void)
{
    ngx_queue_t                *q;
    ngx_pimap_handover_peer_t  *peer;

    while (!ngx_queue_empty(&ngx_pimap_handover_sender_queued)) {

        peer = ngx_pimap_handover_peer_best();

        if (peer == NULL) {
            return;
        }

        q = ngx_queue_head(&ngx_pimap_handover_sender_queued);

        if (ngx_pimap_handover_sender_ask(peer,
                                          ngx_queue_data(q,
                                                         ngx_pimap_transfer_t,
                                                         link))
            == NGX_ERROR)
        {
            ngx_pimap_handover_peer_drop(peer);
        }
    }
}


static ngx_int_t
ngx_pimap_handover_sender_ask(ngx_pimap_handover_peer_t *peer,
    ngx_pimap_transfer_t *transfer)
{
    ngx_int_t  rc;

    transfer->token = ++ngx_pimap_handover_sender_token;

    rc = ngx_pimap_handover_peer_send(peer, NGX_PIMAP_HANDOVER_IPC_ACCOUNT,
                                      transfer->token, &transfer->account,
                                      -1);
    if (rc != NGX_OK) {
        return rc;
    }

    transfer->state = NGX_PIMAP_TRANSFER_ASKED;
    transfer->turns = 0;

    ngx_queue_remove(&transfer->link);
    ngx_queue_insert_tail(&peer->transfers, &transfer->link);
    peer->ntransfers++;

    ngx_pimap_handover_dbg("asked", peer->worker, &transfer->account, 0);

    return ngx_pimap_transfer_waits(transfer, peer->late, peer->worker)
           ? NGX_OK : ngx_pimap_handover_sender_devices(peer, transfer);
}


ngx_int_t
ngx_pimap_handover_sender_marker(uint64_t token)
{
    ngx_pimap_transfer_t       *transfer;
    ngx_pimap_handover_peer_t  *peer;

    for (peer = ngx_pimap_handover_peer_next(NULL); peer;
         peer = ngx_pimap_handover_peer_next(peer))
    {
        transfer = ngx_pimap_transfer_find(&peer->transfers, token);

        if (transfer == NULL) {
            continue;
        }

        peer->late = 0;

        if (transfer->state == NGX_PIMAP_TRANSFER_ASKED
            && ngx_pimap_handover_sender_devices(peer, transfer) == NGX_ERROR)
        {
            ngx_pimap_handover_peer_drop(peer);
        }

        ngx_pimap_handover_sender_room();

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/*
 * Devices for which there is no room stay live, and come with a later
 * transfer.  The account may be gone afterwards.
 */

static ngx_int_t
ngx_pimap_handover_sender_devices(ngx_pimap_handover_peer_t *peer,
    ngx_pimap_transfer_t *transfer)
{
    ngx_int_t             rc;
    ngx_uint_t            last;
    ngx_queue_t          *q, *next;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    transfer->state = NGX_PIMAP_TRANSFER_SENT;

    account = ngx_pimap_subscription_find(&transfer->account);

    if (account) {
        ngx_pimap_coalesce_flush(account);
    }

    last = (account == NULL || ngx_queue_empty(&account->devices));
    q = last ? NULL : ngx_queue_head(&account->devices);

    while (!last) {
        next = ngx_queue_next(q);
        last = (next == ngx_queue_sentinel(&account->devices));
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        ngx_pimap_backlog_catch_up(d);

        rc = ngx_pimap_handover_sender_possible(d)
             ? ngx_pimap_handover_sender_device(peer, transfer, d) : NGX_OK;

        if (rc != NGX_OK) {

            /* the others of this account go later, or to another peer */

            ngx_pimap_transfer_queue(&ngx_pimap_handover_sender_queued,
                                     &transfer->account);

            if (rc == NGX_AGAIN) {
                break;
            }

            return NGX_ERROR;
        }

        q = next;
    }

    ngx_pimap_handover_dbg("sent", peer->worker, &transfer->account,
                           transfer->sockets.n);

    return ngx_pimap_handover_sender_end(peer, transfer) == NGX_ERROR
           ? NGX_ERROR : NGX_OK;
}


/* NGX_OK: also if the device cannot be handed over and stays. */

static ngx_int_t
ngx_pimap_handover_sender_device(ngx_pimap_handover_peer_t *peer,
    ngx_pimap_transfer_t *transfer, ngx_pimap_device_t *d)
{
    ngx_int_t                      rc;
    ngx_str_t                      data;
    ngx_socket_t                   fd;
    ngx_pimap_connection_t        *pc;
    ngx_pimap_connection_state_t   state;
    static u_char                  buf[NGX_PIMAP_HANDOVER_IPC_MAX];

    if (peer->limited && peer->room == 0) {
        return NGX_AGAIN;
    }

    if (ngx_pimap_connection_save(d, &state, &fd) != NGX_OK
        || ngx_pimap_unacknowledged_reserve(&transfer->sockets) != 0)
    {
        return NGX_OK;
    }

    data.data = buf;
    data.len = ngx_pimap_handover_device_write(d, &state, buf, sizeof(buf));

    if (data.len == 0) {
        return NGX_OK;
    }

    rc = ngx_pimap_handover_peer_send(peer, NGX_PIMAP_HANDOVER_IPC_DEVICE,
                                      transfer->token, &data, fd);

    ngx_explicit_memzero(buf, data.len);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    pc = d->connection;

    ngx_pimap_device_handed_over(d);
    ngx_pimap_unacknowledged_add(&transfer->sockets,
                                 ngx_pimap_connection_release(pc));
    peer->sent++;
    peer->room -= peer->limited;
    ngx_pimap_handover_sender_progress = ngx_current_msec;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_handover_sender_end(ngx_pimap_handover_peer_t *peer,
    ngx_pimap_transfer_t *transfer)
{
    ngx_int_t  rc;

    rc = ngx_pimap_handover_peer_send(peer, NGX_PIMAP_HANDOVER_IPC_END,
                                      transfer->token, NULL, -1);

    if (rc == NGX_OK) {
        transfer->state = NGX_PIMAP_TRANSFER_ENDED;
    }

    return rc;
}


static ngx_int_t
ngx_pimap_handover_sender_writable(ngx_pimap_handover_peer_t *peer)
{
    ngx_int_t              rc;
    ngx_queue_t           *q;
    ngx_pimap_transfer_t  *transfer;

    for (q = ngx_queue_head(&peer->transfers);
         q != ngx_queue_sentinel(&peer->transfers);
         q = ngx_queue_next(q))
    {
        transfer = ngx_queue_data(q, ngx_pimap_transfer_t, link);

        if (transfer->state != NGX_PIMAP_TRANSFER_SENT) {
            continue;
        }

        rc = ngx_pimap_handover_sender_end(peer, transfer);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static void
ngx_pimap_handover_sender_done(ngx_pimap_handover_peer_t *peer,
    uint64_t token)
{
    ngx_pimap_transfer_t  *transfer;

    transfer = ngx_pimap_transfer_find(&peer->transfers, token);

    if (transfer == NULL || transfer->state != NGX_PIMAP_TRANSFER_ENDED) {
        return;
    }

    ngx_pimap_handover_sender_count += transfer->sockets.n;
    ngx_pimap_handover_sender_progress = ngx_current_msec;

    ngx_queue_remove(&transfer->link);
    peer->ntransfers--;

    ngx_pimap_transfer_done(transfer, peer->worker);
}


static void
ngx_pimap_handover_sender_closing(ngx_pimap_handover_peer_t *peer)
{
    ngx_queue_t           *q, *next;
    ngx_pimap_transfer_t  *transfer;

    for (q = ngx_queue_head(&peer->transfers);
         q != ngx_queue_sentinel(&peer->transfers);
         q = next)
    {
        next = ngx_queue_next(q);
        transfer = ngx_queue_data(q, ngx_pimap_transfer_t, link);

        if (transfer->state != NGX_PIMAP_TRANSFER_ASKED) {
            continue;
        }

        transfer->state = NGX_PIMAP_TRANSFER_QUEUED;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_pimap_handover_sender_queued, q);
        peer->ntransfers--;
    }
}


static void
ngx_pimap_handover_sender_gone(ngx_pimap_handover_peer_t *peer)
{
    ngx_queue_t  *q;

    ngx_pimap_handover_sender_closing(peer);

    while (!ngx_queue_empty(&peer->transfers)) {
        q = ngx_queue_head(&peer->transfers);
        ngx_queue_remove(q);

        ngx_pimap_transfer_lost(ngx_queue_data(q, ngx_pimap_transfer_t, link),
                                peer->worker);
    }

    peer->ntransfers = 0;
}


static void
ngx_pimap_handover_sender_finish(void)
{
    ngx_uint_t                  crowded, n;
    ngx_queue_t                *q;
    ngx_pimap_transfer_t       *transfer;
    ngx_pimap_handover_peer_t  *peer;

    crowded = 0;

    for (peer = ngx_pimap_handover_peer_next(NULL); peer;
         peer = ngx_pimap_handover_peer_next(peer))
    {
        crowded |= peer->limited && peer->room == 0;
    }

    ngx_pimap_handover_peer_exit_process();

    n = 0;

    while (!ngx_queue_empty(&ngx_pimap_handover_sender_queued)) {
        q = ngx_queue_head(&ngx_pimap_handover_sender_queued);
        ngx_queue_remove(q);

        transfer = ngx_queue_data(q, ngx_pimap_transfer_t, link);

        n += ngx_pimap_handover_sender_left(&transfer->account);
        ngx_free(transfer);
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "pimap handed over %ui devices in %Mms",
                  ngx_pimap_handover_sender_count,
                  ngx_current_msec - ngx_pimap_handover_sender_began);

    if (crowded && n) {
        ngx_pimap_count_n(handover_no_room, n);

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap keeps %ui devices: the new workers have no free "
                      "connections for them, see \"worker_connections\" and "
                      "\"worker_rlimit_nofile\"", n);
    }
}


static ngx_uint_t
ngx_pimap_handover_sender_left(ngx_str_t *name)
{
    ngx_uint_t            n;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    n = 0;
    account = ngx_pimap_subscription_find(name);

    for (d = account ? ngx_pimap_devices(account) : NULL; d;
         d = ngx_pimap_device_next(d))
    {
        n += ngx_pimap_handover_sender_possible(d);
    }

    return n;
}
