
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device that comes with an id reads page by page until it has the last
 * event of its account, and is live then.  If it gets ahead of its account,
 * because a read was faster than the subscription, it waits for the account
 * and skips what it has.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_encode.h"


#define NGX_PIMAP_REPLAY_COUNT   128        /* events of a page, at most */
#define NGX_PIMAP_REPLAY_BYTES   65536


static void ngx_pimap_replay_peeked(ngx_pimap_log_reader_t *reader,
    redisReply *reply);
static ngx_int_t ngx_pimap_replay_error(ngx_pimap_log_reader_t *reader,
    redisReply *reply);
static ngx_int_t ngx_pimap_replay_unavailable(ngx_pimap_log_reader_t *reader);
static void ngx_pimap_replay_last(ngx_pimap_log_reader_t *reader,
    pimap_event_id_t *last);
static ngx_int_t ngx_pimap_replay_device_page(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page);
static ngx_int_t ngx_pimap_replay_device_events(
    ngx_pimap_log_reader_t *reader, ngx_pimap_event_log_page_t *page);
static ngx_uint_t ngx_pimap_replay_pause(ngx_pimap_log_reader_t *reader);
static void ngx_pimap_replay_join(ngx_pimap_log_reader_t *reader);
static ngx_int_t ngx_pimap_replay_account_page(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page);
static ngx_int_t ngx_pimap_replay_account_events(ngx_pimap_account_t *account,
    ngx_pimap_event_log_page_t *page);


static ngx_str_t  ngx_pimap_replay_gone = ngx_string("gone");


ngx_int_t
ngx_pimap_replay_start(ngx_pimap_log_reader_t *reader,
    ngx_pimap_command_pt handler)
{
    size_t       bytes;
    ngx_str_t   *account;
    ngx_uint_t   count;

    account = &reader->account->sub.sn.str;

    if (reader->device == NULL && ngx_pimap_backlog_full(reader->account)) {
        ngx_pimap_backlog_later(reader->account);
        ngx_pimap_log_reader_destroy(reader);
        return NGX_DONE;
    }

    switch (ngx_pimap_function_library_state(reader->account->sub.slot)) {

    case NGX_PIMAP_FUNCTION_LIBRARY_READY:
        break;

    case NGX_PIMAP_FUNCTION_LIBRARY_MISSING:
        return ngx_pimap_replay_unavailable(reader);

    default:
        return NGX_AGAIN;
    }

    switch (reader->ask) {

    case NGX_PIMAP_LOG_READER_PEEK:
        reader->command = ngx_pimap_event_log_peek(account,
                                                   &reader->account->last_id,
                                                   handler, reader);
        break;

    case NGX_PIMAP_LOG_READER_LAST:
        reader->command = ngx_pimap_event_log_last(account, handler, reader);
        break;

    default: /* NGX_PIMAP_LOG_READER_PAGE, NGX_PIMAP_LOG_READER_RECHECK */

        bytes = NGX_PIMAP_REPLAY_BYTES;
        count = NGX_PIMAP_REPLAY_COUNT;

        if (reader->device) {

            if (ngx_pimap_replay_pause(reader)) {
                return NGX_DONE;
            }

            /* a page with its framing has to fit into the device's buffer */

            bytes = ngx_min(bytes, reader->device->conf->buffer / 4);
            count = ngx_min(count, bytes / 128 + 1);

        } else {
            reader->id = reader->account->last_id;
        }

        reader->command = ngx_pimap_event_log_read(account, &reader->id, count,
                                                   bytes + 1, handler, reader);
    }

    return reader->command ? NGX_OK : NGX_BUSY;
}


ngx_int_t
ngx_pimap_replay_done(ngx_pimap_log_reader_t *reader, redisReply *reply)
{
    ngx_uint_t                  ask;
    ngx_pimap_event_log_page_t  page;

    if (reader->device && reader->device->closing) {
        ngx_pimap_log_reader_destroy(reader);
        return NGX_OK;
    }

    ask = reader->ask;

    if (ask == NGX_PIMAP_LOG_READER_PEEK) {
        reader->ask = NGX_PIMAP_LOG_READER_PAGE;
    }

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        return ngx_pimap_replay_error(reader, reply);
    }

    switch (ask) {

    case NGX_PIMAP_LOG_READER_PEEK:
        ngx_pimap_replay_peeked(reader, reply);
        return NGX_OK;

    case NGX_PIMAP_LOG_READER_LAST:

        if (ngx_pimap_event_log_id(reply, &page.last) != NGX_OK) {
            return ngx_pimap_replay_error(reader, reply);
        }

        ngx_pimap_replay_last(reader, &page.last);
        return NGX_OK;

    default: /* NGX_PIMAP_LOG_READER_PAGE, NGX_PIMAP_LOG_READER_RECHECK */

        if (ngx_pimap_event_log_page(reply, &reader->id, &page) != NGX_OK) {
            return ngx_pimap_replay_error(reader, reply);
        }

        return reader->device ? ngx_pimap_replay_device_page(reader, &page)
                              : ngx_pimap_replay_account_page(reader, &page);
    }
}


static void
ngx_pimap_replay_peeked(ngx_pimap_log_reader_t *reader, redisReply *reply)
{
    ngx_pimap_account_t  *account;

    account = reader->account;

    if (reader->repeat
        || !ngx_pimap_event_log_ends(reply, &account->last_id))
    {
        ngx_pimap_log_reader_queue(reader);
        return;
    }

    ngx_pimap_log_reader_destroy(reader);
    ngx_pimap_gap_rejoin(account);
}


static ngx_int_t
ngx_pimap_replay_error(ngx_pimap_log_reader_t *reader, redisReply *reply)
{
    ngx_uint_t  level;

    ngx_pimap_log_reader_queue(reader);

    if (reply == NULL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR
        && (ngx_strstr(reply->str, "Function not found")
            || ngx_strncmp(reply->str, "NOPERM", 6) == 0))
    {
        ngx_pimap_function_library_lost(reader->account->sub.slot);
        return NGX_OK;
    }

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_LOG, NGX_LOG_ERR);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap can't read the log of account \"%V\": %s",
                  &reader->account->sub.sn.str,
                  reply->type == REDIS_REPLY_ERROR ? reply->str
                                                   : "unexpected reply");

    /* the error is in this log only: other readers go on */

    if (reply->type != REDIS_REPLY_ERROR
        || ngx_strncmp(reply->str, "PIMAP ", 6) == 0
        || ngx_strncmp(reply->str, "WRONGTYPE ", 10) == 0)
    {
        (void) ngx_pimap_replay_unavailable(reader);
        return NGX_OK;
    }

    return NGX_BUSY;
}


/*
 * There is no log: devices that may have missed an event resync, and all are
 * live.
 */

static ngx_int_t
ngx_pimap_replay_unavailable(ngx_pimap_log_reader_t *reader)
{
    ngx_uint_t            last;
    pimap_event_id_t      id;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    static ngx_str_t  reason = ngx_string("unavailable");

    d = reader->device;
    last = (reader->ask == NGX_PIMAP_LOG_READER_LAST);
    account = reader->account;
    id = reader->id;

    ngx_pimap_coalesce_flush(account);

    if (d) {
        ngx_pimap_backlog_catch_up(d);
    }

    ngx_pimap_log_reader_destroy(reader);

    if (d == NULL) {
        ngx_pimap_gap_resync_all(account, &reason, &account->last_id);
        ngx_pimap_gap_rejoin(account);

    } else if (!d->closing && !last) {
        ngx_pimap_fanout_resync(d, &reason, &id);
    }

    return NGX_DONE;
}


/* Redis was away when the device came: it starts here, and gets the id. */

static void
ngx_pimap_replay_last(ngx_pimap_log_reader_t *reader, pimap_event_id_t *last)
{
    ngx_pimap_device_t  *d;

    d = reader->device;

    reader->id = *last;
    ngx_pimap_log_reader_read(reader);

    (void) ngx_pimap_device_send_control(d,
                   ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_POSITION, 0,
                                    last, ngx_cycle->log));
}


static ngx_int_t
ngx_pimap_replay_device_page(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page)
{
    ngx_int_t            rc;
    ngx_uint_t           lacks;
    pimap_event_id_t     before;
    ngx_pimap_device_t  *d;

    d = reader->device;

    if (page->resync) {

        /* "earliest" is satisfied with no event */

        lacks = (reader->id.epoch || !reader->earliest);
        reader->id = page->last;

        if (lacks) {
            ngx_pimap_fanout_resync(d, &page->reason, &page->last);
        }

        ngx_pimap_replay_join(reader);
        return NGX_OK;
    }

    if (page->n == 0) {
        ngx_pimap_replay_join(reader);
        return NGX_OK;
    }

    reader->ask = NGX_PIMAP_LOG_READER_PAGE;

    if (ngx_pimap_log_page_trimmed(reader, page, &before)) {
        reader->id = before;
        ngx_pimap_fanout_resync(d, &ngx_pimap_replay_gone, &before);

        if (d->closing) {
            return NGX_OK;
        }
    }

    rc = ngx_pimap_replay_device_events(reader, page);

    /* "closeafter" may have been enough */

    if (d->closing) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        ngx_pimap_log_reader_queue(reader);
        return NGX_BUSY;
    }

    if (reader->id.epoch == page->last.epoch
        && reader->id.n >= page->last.n)
    {
        ngx_pimap_replay_join(reader);
        return NGX_OK;
    }

    if (!ngx_pimap_replay_pause(reader)) {
        ngx_pimap_log_reader_queue(reader);
    }

    return NGX_OK;
}


/* NGX_ERROR: no memory for the event after the reader's id. */

static ngx_int_t
ngx_pimap_replay_device_events(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page)
{
    ngx_int_t            rc;
    ngx_uint_t           i;
    pimap_event_t        ev;
    pimap_event_id_t     id;
    ngx_pimap_device_t  *d;

    d = reader->device;

    for (i = 0; i < page->n && !d->closing; i++) {

        rc = ngx_pimap_log_page_event(d->account, &ev, page->entries + 2 * i,
                                      &id);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        reader->id = id;

        if (rc != NGX_OK) {
            continue;
        }

        if (ngx_pimap_fanout_one(d, &ev) == NGX_OK) {
            ngx_pimap_count(replayed);
        }

        pimap_event_free(&ev);
    }

    return NGX_OK;
}


/* Also after a hand-over: the connection goes on with its unsent bytes. */

static ngx_uint_t
ngx_pimap_replay_pause(ngx_pimap_log_reader_t *reader)
{
    ngx_pimap_device_t  *d;

    d = reader->device;

    if (d->transport->unsent(d->connection) <= d->conf->buffer / 2) {
        return 0;
    }

    ngx_pimap_log_reader_pause(reader);

    return 1;
}


static void
ngx_pimap_replay_join(ngx_pimap_log_reader_t *reader)
{
    pimap_event_id_t     *last, *id;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    d = reader->device;
    account = reader->account;
    last = &account->last_id;
    id = &reader->id;

    if (!account->sub.subscribed || d->closing) {
        return;
    }

    if (reader->repeat) {
        ngx_pimap_log_reader_queue(reader);
        return;
    }

    if (!account->has_last_id) {
        account->has_last_id = 1;
        *last = *id;
    }

    if (last->epoch == id->epoch && last->n == id->n) {
        ngx_pimap_coalesce_flush(account);
        ngx_pimap_backlog_catch_up(d);
        ngx_pimap_log_reader_destroy(reader);
        ngx_pimap_device_dbg(d, "live");
        return;
    }

    if (last->epoch == id->epoch && last->n > id->n
        && reader->ask != NGX_PIMAP_LOG_READER_RECHECK)
    {
        reader->ask = NGX_PIMAP_LOG_READER_RECHECK;
        ngx_pimap_log_reader_queue(reader);
        return;
    }

    /* the account has to read, too: the log has more events, or fewer */

    ngx_pimap_log_reader_join(reader);
    ngx_pimap_device_dbg(d, "joining");

    ngx_pimap_gap_read(account);
}


static ngx_int_t
ngx_pimap_replay_account_page(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page)
{
    ngx_int_t             rc;
    pimap_event_id_t     *last, before;
    ngx_pimap_account_t  *account;

    account = reader->account;
    last = &account->last_id;

    /* live events may have come since it asked */

    if (last->epoch != reader->id.epoch
        || (page->resync && last->n != reader->id.n))
    {
        ngx_pimap_log_reader_queue(reader);
        return NGX_OK;
    }

    if (page->resync) {
        ngx_pimap_gap_resync_all(account, &page->reason, &page->last);

        *last = page->last;

        ngx_pimap_log_reader_destroy(reader);
        ngx_pimap_gap_rejoin(account);
        return NGX_OK;
    }

    if (ngx_pimap_log_page_trimmed(reader, page, &before)) {
        *last = before;
        ngx_pimap_gap_resync_all(account, &ngx_pimap_replay_gone, last);
    }

    rc = ngx_pimap_replay_account_events(account, page);

    if (rc != NGX_OK || reader->repeat
        || (page->n && last->n < page->last.n))
    {
        ngx_pimap_log_reader_queue(reader);
        return rc == NGX_OK ? NGX_OK : NGX_BUSY;
    }

    ngx_pimap_log_reader_destroy(reader);
    ngx_pimap_gap_rejoin(account);

    return NGX_OK;
}


/* NGX_ERROR: no memory for the event after the account's last id. */

static ngx_int_t
ngx_pimap_replay_account_events(ngx_pimap_account_t *account,
    ngx_pimap_event_log_page_t *page)
{
    ngx_int_t          rc;
    ngx_uint_t         i;
    pimap_event_t      ev;
    pimap_event_id_t  *last, id;

    last = &account->last_id;

    for (i = 0; i < page->n; i++) {

        rc = ngx_pimap_log_page_event(account, &ev, page->entries + 2 * i,
                                      &id);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        /* the event may have come live since the reader asked */

        if (id.epoch != last->epoch || id.n > last->n) {
            *last = id;

            if (rc == NGX_OK) {
                ngx_pimap_count(filled);
                ngx_pimap_result(account, &ev);
                ngx_pimap_coalesce(account, &ev);
            }
        }

        if (rc == NGX_OK) {
            pimap_event_free(&ev);
        }
    }

    return NGX_OK;
}
