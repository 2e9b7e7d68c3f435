
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns where one device stands in the log.  Called by fan-out, replay and the
 * hand-over.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"


ngx_int_t
ngx_pimap_cursor_start(ngx_pimap_device_t *d, pimap_event_start_t *start,
    ngx_log_t *log)
{
    pimap_event_id_t         last;
    ngx_pimap_log_reader_t  *reader;

    if (!start->known
        && ngx_pimap_function_library_state(d->account->sub.slot)
           == NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        return NGX_OK;
    }

    if (start->known
        && ngx_pimap_cursor_account(&d->account->sub.sn.str, &last) == NGX_OK
        && last.epoch == start->id.epoch && last.n == start->id.n)
    {
        return NGX_OK;
    }

    reader = ngx_pimap_log_reader_create(&d->reader, d->account, d,
                                         start->known
                                         ? NGX_PIMAP_LOG_READER_PAGE
                                         : NGX_PIMAP_LOG_READER_LAST, log);
    if (reader == NULL) {
        return NGX_ERROR;
    }

    reader->earliest = start->earliest;
    reader->id = start->id;

    /* events from the subscription on come live, so the reader waits for it */

    if (d->account->sub.subscribed) {
        ngx_pimap_log_reader_queue(reader);
    }

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_cursor_passes(ngx_pimap_device_t *d, pimap_event_t *ev)
{
    ngx_uint_t               passes;
    ngx_pimap_log_reader_t  *reader;

    reader = d->reader;

    if (reader == NULL) {
        return 1;
    }

    if (reader->state != NGX_PIMAP_LOG_READER_JOINING
        || ev->epoch != reader->id.epoch || ev->n < reader->id.n)
    {
        return 0;
    }

    if (ev->n > reader->id.n + 1) {
        ngx_pimap_log_reader_queue(reader);
        return 0;
    }

    /* the account has come to where the device is */

    passes = (ev->n > reader->id.n);

    ngx_pimap_log_reader_destroy(reader);
    ngx_pimap_device_dbg(d, "live");

    return passes;
}


ngx_uint_t
ngx_pimap_cursor_reads(ngx_pimap_device_t *d)
{
    return d->reader && (d->reader->state == NGX_PIMAP_LOG_READER_QUEUED
                         || d->reader->state == NGX_PIMAP_LOG_READER_READING);
}


void
ngx_pimap_cursor_drained(ngx_pimap_device_t *d)
{
    if (d->reader && d->reader->state == NGX_PIMAP_LOG_READER_PAUSED) {
        ngx_pimap_log_reader_queue(d->reader);
    }
}


void
ngx_pimap_cursor_get(ngx_pimap_device_t *d, pimap_event_start_t *start)
{
    ngx_pimap_log_reader_t  *reader;

    reader = d->reader;

    if (reader) {
        start->known = (reader->ask != NGX_PIMAP_LOG_READER_LAST);
        start->earliest = reader->earliest;
        start->id = reader->id;
        return;
    }

    start->known = d->account->has_last_id;
    start->earliest = 0;
    start->id = d->account->last_id;
}


ngx_int_t
ngx_pimap_cursor_account(ngx_str_t *name, pimap_event_id_t *id)
{
    ngx_pimap_account_t  *account;

    account = ngx_pimap_subscription_find(name);

    if (account == NULL || !account->has_last_id || !account->sub.subscribed
        || account->reader)
    {
        return NGX_DECLINED;
    }

    *id = account->last_id;

    return NGX_OK;
}
