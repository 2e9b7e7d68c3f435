
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Accounts go to whom has got least so far, a window of them at a time.  What
 * can't be given, for whatever reason, stays and is drained.
 */


#include "ngx_pimap_handover_sender.h"
#include "ngx_pimap_coalesce.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_transport_connection.h"
#include "ngx_pimap_filter.h"
#include "ngx_pimap_input.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_device_record.h"
#include "ngx_pimap_cursor.h"
#include "ngx_pimap_handover_socket.h"
#include "ngx_pimap_handover_peer.h"
#include "ngx_pimap_timer_wheel.h"

#include <openssl/rand.h>


#define NGX_PIMAP_HANDOVER_SENDER_WAIT      5000       /* msec, for a marker */
#define NGX_PIMAP_HANDOVER_SENDER_LIMIT     10000      /* msec without any progress */


/* An account on its way.  It may be gone here before that is over. */
typedef struct {
    ngx_queue_t          link;
    uint64_t             token;
    ngx_msec_t           asked;
    ngx_str_t            name;
    unsigned             done:1;            /* but for saying so */
    u_char               bytes[1];
} ngx_pimap_gift_t;


static void ngx_pimap_handover_sender_account(ngx_pimap_account_t *account);
static ngx_uint_t ngx_pimap_handover_sender_possible(ngx_pimap_device_t *d);
static void ngx_pimap_handover_sender_add(ngx_str_t *name);
static ngx_uint_t ngx_pimap_handover_sender_busy(void);
static void ngx_pimap_handover_sender_late(ngx_pimap_handover_peer_t *taker);
static ngx_int_t ngx_pimap_handover_sender_ask(ngx_pimap_handover_peer_t *taker, ngx_pimap_gift_t *gift);
static ngx_int_t ngx_pimap_handover_sender_devices(ngx_pimap_handover_peer_t *taker, ngx_pimap_gift_t *gift, ngx_pimap_account_t *account);
static ngx_int_t ngx_pimap_handover_sender_device(ngx_pimap_handover_peer_t *taker, ngx_pimap_gift_t *gift, ngx_pimap_device_t *d);
static void ngx_pimap_handover_sender_describe(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record);
static ngx_int_t ngx_pimap_handover_sender_end(ngx_pimap_handover_peer_t *taker, ngx_pimap_gift_t *gift);
static void ngx_pimap_handover_sender_finish(void);


static ngx_queue_t   ngx_pimap_handover_sender_todo;
static uint64_t      ngx_pimap_handover_sender_token;
static ngx_uint_t    ngx_pimap_handover_sender_count;
static ngx_msec_t    ngx_pimap_handover_sender_began;
static ngx_msec_t    ngx_pimap_handover_sender_progress;


ngx_int_t
ngx_pimap_handover_sender_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_handover_sender_todo);

    /* those of other hosts in the same channels must differ */

    if (RAND_bytes((u_char *) &ngx_pimap_handover_sender_token,
                   sizeof(uint64_t)) != 1) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_pimap_handover_sender_start(void)
{
    if (!ngx_pimap_handover_socket_outdated()) {
        return;
    }

    ngx_pimap_handover_sender_began = ngx_current_msec;
    ngx_pimap_handover_sender_progress = ngx_current_msec;

    ngx_pimap_account_each(ngx_pimap_handover_sender_account);
    ngx_pimap_handover_peer_begin();
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
            ngx_pimap_handover_sender_add(&account->sn.str);
            return;
        }
    }
}


static ngx_uint_t
ngx_pimap_handover_sender_possible(ngx_pimap_device_t *d)
{
    return !d->closing && (d->kind == NGX_PIMAP_DETACHED
                          || d->kind == NGX_PIMAP_HIBERNATED);
}


/* Without memory they stay, and are sent away. */

static void
ngx_pimap_handover_sender_add(ngx_str_t *name)
{
    ngx_pimap_gift_t  *gift;

    gift = ngx_calloc(offsetof(ngx_pimap_gift_t, bytes) + name->len,
                      ngx_cycle->log);
    if (gift == NULL) {
        return;
    }

    ngx_memcpy(gift->bytes, name->data, name->len);

    gift->name.data = gift->bytes;
    gift->name.len = name->len;

    ngx_queue_insert_tail(&ngx_pimap_handover_sender_todo, &gift->link);
}


ngx_int_t
ngx_pimap_handover_sender_turn(void)
{
    ngx_pimap_handover_peer_t  *taker, *next;

    if (ngx_queue_empty(&ngx_pimap_handover_sender_todo)
        && ngx_pimap_handover_peer_first() == NULL)
    {
        return NGX_OK;
    }

    if (!ngx_queue_empty(&ngx_pimap_handover_sender_todo)) {
        ngx_pimap_handover_peer_search();
    }

    for (taker = ngx_pimap_handover_peer_first(); taker; taker = next) {
        next = ngx_pimap_handover_peer_next(taker);

        if (ngx_pimap_handover_peer_retry(taker) == NGX_OK) {
            ngx_pimap_handover_sender_late(taker);
        }
    }

    ngx_pimap_handover_sender_pump();

    if (ngx_pimap_handover_sender_busy()
        && ngx_current_msec - ngx_pimap_handover_sender_progress < NGX_PIMAP_HANDOVER_SENDER_LIMIT)
    {
        return NGX_AGAIN;
    }

    ngx_pimap_handover_sender_finish();

    return NGX_OK;
}


/* Something is under way, or somebody could still take what is left. */

static ngx_uint_t
ngx_pimap_handover_sender_busy(void)
{
    ngx_pimap_handover_peer_t  *taker;

    for (taker = ngx_pimap_handover_peer_first(); taker;
         taker = ngx_pimap_handover_peer_next(taker))
    {
        if (taker->ngifts
            || (taker->here
                && !ngx_queue_empty(&ngx_pimap_handover_sender_todo)))
        {
            return 1;
        }
    }

    return !ngx_queue_empty(&ngx_pimap_handover_sender_todo)
           && ngx_pimap_handover_peer_searching();
}


/* A marker that does not come is not waited for: Redis has its troubles. */

static void
ngx_pimap_handover_sender_late(ngx_pimap_handover_peer_t *taker)
{
    ngx_queue_t       *q, *next;
    ngx_pimap_gift_t  *gift;

    for (q = ngx_queue_head(&taker->gifts);
         q != ngx_queue_sentinel(&taker->gifts);
         q = next)
    {
        next = ngx_queue_next(q);
        gift = ngx_queue_data(q, ngx_pimap_gift_t, link);

        if (!gift->done
            && ngx_current_msec - gift->asked > NGX_PIMAP_HANDOVER_SENDER_WAIT
            && ngx_pimap_handover_sender_devices(taker, gift,
                                      ngx_pimap_account_find(&gift->name))
               == NGX_ERROR)
        {
            ngx_pimap_handover_peer_drop(taker);
            return;
        }
    }
}


void
ngx_pimap_handover_sender_pump(void)
{
    ngx_queue_t        *q;
    ngx_pimap_handover_peer_t  *taker;

    while (!ngx_queue_empty(&ngx_pimap_handover_sender_todo)) {

        taker = ngx_pimap_handover_peer_best();

        if (taker == NULL) {
            return;
        }

        q = ngx_queue_head(&ngx_pimap_handover_sender_todo);

        if (ngx_pimap_handover_sender_ask(taker,
                                          ngx_queue_data(q, ngx_pimap_gift_t,
                                                     link))
            == NGX_ERROR)
        {
            ngx_pimap_handover_peer_drop(taker);
        }
    }
}


static ngx_int_t
ngx_pimap_handover_sender_ask(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_gift_t *gift)
{
    ngx_int_t               rc;
    ngx_pimap_handover_ipc_head_t   head;

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_ACCOUNT;
    head.number = ++ngx_pimap_handover_sender_token;

    rc = ngx_pimap_handover_peer_say(taker, &head, gift->name.data,
                                     gift->name.len,
                             -1);
    if (rc != NGX_OK) {
        return rc;
    }

    gift->token = head.number;
    gift->asked = ngx_current_msec;

    ngx_queue_remove(&gift->link);
    ngx_queue_insert_tail(&taker->gifts, &gift->link);
    taker->ngifts++;

    /* without Redis nothing is published that could be missed */

    if (!taker->up) {
        return ngx_pimap_handover_sender_devices(taker, gift,
                                      ngx_pimap_account_find(&gift->name));
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_handover_sender_marker(ngx_pimap_account_t *account, uint64_t token)
{
    ngx_queue_t        *q;
    ngx_pimap_gift_t   *gift;
    ngx_pimap_handover_peer_t  *taker;

    for (taker = ngx_pimap_handover_peer_first(); taker;
         taker = ngx_pimap_handover_peer_next(taker))
    {
        for (q = ngx_queue_head(&taker->gifts);
             q != ngx_queue_sentinel(&taker->gifts);
             q = ngx_queue_next(q))
        {
            gift = ngx_queue_data(q, ngx_pimap_gift_t, link);

            if (gift->token != token || gift->done) {
                continue;
            }

            if (ngx_pimap_handover_sender_devices(taker, gift,
                                                  account) == NGX_ERROR) {
                ngx_pimap_handover_peer_drop(taker);
            }

            ngx_pimap_handover_sender_pump();

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * Those for which there is no room stay live, and come with a later gift.  The
 * account may be gone afterwards.
 */

static ngx_int_t
ngx_pimap_handover_sender_devices(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_gift_t *gift, ngx_pimap_account_t *account)
{
    ngx_int_t            rc;
    ngx_uint_t           last;
    ngx_queue_t         *q, *next;
    ngx_pimap_device_t  *d;

    gift->done = 1;

    if (account) {
        ngx_pimap_coalesce_flush(account);
    }

    last = (account == NULL || ngx_queue_empty(&account->devices));
    q = last ? NULL : ngx_queue_head(&account->devices);

    while (!last) {
        next = ngx_queue_next(q);
        last = (next == ngx_queue_sentinel(&account->devices));
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        rc = ngx_pimap_handover_sender_possible(d)
             ? ngx_pimap_handover_sender_device(taker, gift, d) : NGX_OK;

        if (rc == NGX_AGAIN) {
            ngx_pimap_handover_sender_add(&gift->name);
            break;
        }

        if (rc != NGX_OK) {

            /* who is left goes to another one */

            gift->done = 0;
            return NGX_ERROR;
        }

        q = next;
    }

    rc = ngx_pimap_handover_sender_end(taker, gift);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_pimap_handover_sender_device(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_gift_t *gift, ngx_pimap_device_t *d)
{
    size_t                  len;
    ngx_int_t               rc;
    ngx_socket_t            fd;
    ngx_pimap_device_record_t      record;
    ngx_pimap_handover_ipc_head_t   head;
    ngx_pimap_connection_state_t    state;
    ngx_pimap_connection_t         *pc;
    static u_char           buf[NGX_PIMAP_HANDOVER_IPC_MAX];

    ngx_memzero(&record, sizeof(ngx_pimap_device_record_t));

    if (ngx_pimap_connection_save(d, &state, &fd) != NGX_OK) {
        return NGX_OK;
    }

    record.unsent = state.out;
    record.unread = state.in;
    record.chunked = state.chunked;

    if (state.tls) {
        record.tls = *state.tls;
    }

    ngx_pimap_handover_sender_describe(d, &record);

    len = ngx_pimap_device_record_write(&record, buf, sizeof(buf));

    ngx_explicit_memzero(&record.tls, sizeof(ngx_pimap_tls13_t));

    if (len == 0) {
        return NGX_OK;
    }

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_DEVICE;
    head.number = gift->token;

    rc = ngx_pimap_handover_peer_say(taker, &head, buf, len, fd);

    ngx_explicit_memzero(buf, len);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    pc = d->connection;

    ngx_pimap_device_give(d);
    (void) ngx_close_socket(ngx_pimap_connection_release(pc));

    taker->given++;
    ngx_pimap_handover_sender_count++;
    ngx_pimap_handover_sender_progress = ngx_current_msec;

    return NGX_OK;
}


static void
ngx_pimap_handover_sender_describe(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record)
{
    ngx_pimap_account_t  *account;
    ngx_pimap_park_request_t  *parking;

    account = d->account;
    parking = &record->parking;

    record->location = d->conf->key;
    record->blanks = d->blanks;
    record->idle = d->idle;
    record->updates = d->updates;

    ngx_pimap_input_save(d, &record->state, &record->text);

    parking->account = account->sn.str;
    ngx_pimap_device_name(d, &parking->device);
    parking->filter = d->filter;
    parking->ping = d->ping;
    parking->closeafter = d->closeafter;
    parking->issued = d->issued;
    parking->expires = d->expires;
    parking->kind = d->kind;
    parking->format = d->format;
    parking->input = d->input;
    ngx_memcpy(parking->address, d->address, sizeof(d->address));

    parking->coding = d->stream.coding;

    parking->carried.token = d->token;
    parking->carried.since = d->since;
    parking->carried.bytes = d->bytes;
    parking->carried.events = d->events;
    parking->carried.idle = ngx_pimap_timer_wheel_now() - d->sent_at;
    parking->carried.confirmed = d->confirmed;
    parking->carried.check = d->stream.check;
    parking->carried.length = d->stream.length;

    ngx_pimap_cursor_get(d, &parking->start);

    record->current = d->reader == NULL && account->has_last_id
                      && account->reader == NULL;
}


static ngx_int_t
ngx_pimap_handover_sender_end(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_gift_t *gift)
{
    ngx_int_t               rc;
    ngx_pimap_handover_ipc_head_t   head;

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_END;
    head.number = gift->token;

    rc = ngx_pimap_handover_peer_say(taker, &head, NULL, 0, -1);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_queue_remove(&gift->link);
    ngx_free(gift);
    taker->ngifts--;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_handover_sender_ends(ngx_pimap_handover_peer_t *taker)
{
    ngx_int_t          rc;
    ngx_queue_t       *q, *next;
    ngx_pimap_gift_t  *gift;

    for (q = ngx_queue_head(&taker->gifts);
         q != ngx_queue_sentinel(&taker->gifts);
         q = next)
    {
        next = ngx_queue_next(q);
        gift = ngx_queue_data(q, ngx_pimap_gift_t, link);

        if (!gift->done) {
            continue;
        }

        rc = ngx_pimap_handover_sender_end(taker, gift);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


void
ngx_pimap_handover_sender_back(ngx_pimap_handover_peer_t *taker)
{
    ngx_queue_t       *q;
    ngx_pimap_gift_t  *gift;

    while (!ngx_queue_empty(&taker->gifts)) {
        q = ngx_queue_head(&taker->gifts);
        ngx_queue_remove(q);

        gift = ngx_queue_data(q, ngx_pimap_gift_t, link);

        if (gift->done) {
            ngx_free(gift);

        } else {
            ngx_queue_insert_tail(&ngx_pimap_handover_sender_todo, q);
        }
    }

    taker->ngifts = 0;
}


static void
ngx_pimap_handover_sender_finish(void)
{
    ngx_queue_t  *q;

    ngx_pimap_handover_peer_exit_process();

    while (!ngx_queue_empty(&ngx_pimap_handover_sender_todo)) {
        q = ngx_queue_head(&ngx_pimap_handover_sender_todo);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_pimap_gift_t, link));
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "pimap handed over %ui devices in %Mms",
                  ngx_pimap_handover_sender_count,
                  ngx_current_msec - ngx_pimap_handover_sender_began);
}
