
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Live events are counted on: an account that has a hole gets a reader, for
 * all its live devices, and so does a device that comes with an id.  What the
 * readers do is in ngx_pimap_replay.c.
 */


#include "ngx_pimap_gap.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_coalesce.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_function_library.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_zone.h"


static void ngx_pimap_gap_peek(ngx_pimap_account_t *account);
static ngx_int_t ngx_pimap_gap_hole(ngx_pimap_account_t *account,
    pimap_event_t *ev, const char *reason);


ngx_int_t
ngx_pimap_gap_init_process(ngx_cycle_t *cycle)
{
    return ngx_pimap_log_reader_init_process(cycle);
}


ngx_int_t
ngx_pimap_gap_position(ngx_str_t *name, pimap_event_id_t *position)
{
    ngx_pimap_account_t  *account;

    account = ngx_pimap_account_find(name);

    if (account == NULL || !account->anchored || !account->subscribed
        || account->reader)
    {
        return NGX_DECLINED;
    }

    *position = account->position;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_gap_device(ngx_pimap_device_t *d, ngx_pimap_start_t *start,
    ngx_log_t *log)
{
    ngx_pimap_log_reader_t    *reader;
    pimap_event_id_t   now;

    if (!start->known
        && ngx_pimap_function_library_state() == NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        return NGX_OK;
    }

    if (start->known
        && ngx_pimap_gap_position(&d->account->sn.str, &now) == NGX_OK
        && now.epoch == start->position.epoch && now.n == start->position.n)
    {
        return NGX_OK;
    }

    reader = ngx_pimap_log_reader_create(&d->reader, d->account, d, log);
    if (reader == NULL) {
        return NGX_ERROR;
    }

    reader->fresh = !start->known;
    reader->earliest = start->earliest;
    reader->position = start->position;

    /* what is published after the subscription comes by it */

    if (d->account->subscribed) {
        ngx_pimap_log_reader_queue(reader);
    }

    return NGX_OK;
}


void
ngx_pimap_gap_subscribed(ngx_pimap_account_t *account)
{
    ngx_queue_t         *q;
    ngx_pimap_device_t  *d;

    if (account->anchored) {
        ngx_pimap_gap_peek(account);
    }

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->reader && !d->doomed && !d->reader->paused) {
            d->reader->joining = 0;
            ngx_pimap_log_reader_queue(d->reader);
        }
    }
}


void
ngx_pimap_gap_check(ngx_pimap_account_t *account)
{
    if (account->anchored) {
        ngx_pimap_count(gap_checks);
        ngx_pimap_gap_peek(account);
    }
}


/* Only where something has changed the log is read. */

static void
ngx_pimap_gap_peek(ngx_pimap_account_t *account)
{
    if (account->reader == NULL) {
        ngx_pimap_gap_account(account);

        if (account->reader) {
            account->reader->peek = 1;
        }
    }
}


/* Without memory it is tried again at the next event or check. */

void
ngx_pimap_gap_account(ngx_pimap_account_t *account)
{
    if (ngx_pimap_function_library_state() == NGX_PIMAP_FUNCTION_LIBRARY_MISSING) {
        return;
    }

    if (account->reader == NULL
        && ngx_pimap_log_reader_create(&account->reader, account, NULL,
                                   ngx_cycle->log)
           == NULL)
    {
        return;
    }

    account->reader->peek = 0;

    ngx_pimap_log_reader_queue(account->reader);
}


ngx_int_t
ngx_pimap_gap_live(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    pimap_event_id_t  *here;

    here = &account->position;

    if (!account->anchored) {
        account->anchored = 1;

    } else if (ev->epoch == here->epoch || here->epoch == 0) {

        if (ev->epoch == here->epoch && ev->n <= here->n) {
            ngx_pimap_count(duplicates);
            return NGX_DECLINED;
        }

        if (ev->n != here->n + 1) {
            return ngx_pimap_gap_hole(account, ev, NULL);
        }

    } else if (ev->epoch < here->epoch) {

        /* a late one; or the log was made anew, with the clock set back */

        ngx_pimap_count(duplicates);
        ngx_pimap_gap_account(account);
        return NGX_DECLINED;

    } else if (ngx_pimap_gap_hole(account, ev, "epoch") != NGX_OK) {
        return NGX_DECLINED;
    }

    here->epoch = ev->epoch;
    here->n = ev->n;

    return NGX_OK;
}


/*
 * Events are missing before this one: they are read, and this one with them;
 * or, if they can't be, the devices are told, and go on with this one.
 */

static ngx_int_t
ngx_pimap_gap_hole(ngx_pimap_account_t *account, pimap_event_t *ev,
    const char *reason)
{
    ngx_str_t             text;
    pimap_event_id_t  before;

    ngx_pimap_count(gaps);

    if (reason == NULL
        && ngx_pimap_function_library_state() != NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        ngx_pimap_gap_account(account);
        return NGX_DECLINED;
    }

    text.data = (u_char *) (reason ? reason : "unavailable");
    text.len = ngx_strlen(text.data);

    before.epoch = ev->epoch;
    before.n = ev->n - 1;

    ngx_pimap_gap_tell_all(account, &text, &before);
    ngx_pimap_gap_rejoin(account);

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_gap_passes(ngx_pimap_device_t *d, pimap_event_t *ev)
{
    ngx_uint_t           passes;
    ngx_pimap_log_reader_t  *reader;

    reader = d->reader;

    if (reader == NULL) {
        return 1;
    }

    if (!reader->joining || ev->epoch != reader->position.epoch
        || ev->n < reader->position.n)
    {
        return 0;
    }

    if (ev->n > reader->position.n + 1) {
        reader->joining = 0;
        ngx_pimap_log_reader_queue(reader);
        return 0;
    }

    /* the account has come to where the device is */

    passes = (ev->n > reader->position.n);

    ngx_pimap_log_reader_destroy(reader);

    return passes;
}


void
ngx_pimap_gap_place(ngx_pimap_device_t *d, ngx_pimap_start_t *start)
{
    ngx_pimap_log_reader_t  *reader;

    reader = d->reader;

    if (reader) {
        start->known = !reader->fresh;
        start->earliest = reader->earliest;
        start->position = reader->position;
        return;
    }

    start->known = d->account->anchored;
    start->earliest = 0;
    start->position = d->account->position;
}


ngx_uint_t
ngx_pimap_gap_reads(ngx_pimap_device_t *d)
{
    return d->reader && (d->reader->waits || d->reader->command);
}


void
ngx_pimap_gap_drained(ngx_pimap_device_t *d)
{
    if (d->reader && d->reader->paused) {
        d->reader->paused = 0;
        ngx_pimap_log_reader_queue(d->reader);
    }
}


void
ngx_pimap_gap_run(void)
{
    ngx_pimap_log_reader_run();
}


void
ngx_pimap_gap_forget(ngx_pimap_log_reader_t **reader)
{
    if (*reader) {
        ngx_pimap_log_reader_destroy(*reader);
    }
}


/* Those who wait for the account look again where they are. */

void
ngx_pimap_gap_rejoin(ngx_pimap_account_t *account)
{
    ngx_queue_t         *q;
    ngx_pimap_device_t  *d;

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->reader && d->reader->joining && !d->doomed) {
            d->reader->joining = 0;
            ngx_pimap_log_reader_queue(d->reader);
        }
    }
}


void
ngx_pimap_gap_tell_all(ngx_pimap_account_t *account, ngx_str_t *reason,
    pimap_event_id_t *last)
{
    ngx_queue_t         *q;
    ngx_pimap_device_t  *d;

    ngx_pimap_coalesce_flush(account);

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->reader == NULL && !d->doomed) {
            ngx_pimap_gap_tell(d, reason, last);
        }
    }
}


void
ngx_pimap_gap_tell(ngx_pimap_device_t *d, ngx_str_t *reason,
    pimap_event_id_t *last)
{
    ngx_pimap_message_t  *text;

    ngx_pimap_count(resyncs);

    ngx_log_error(NGX_LOG_INFO, d->transport->log(d->connection), 0,
                  "pimap resync: reason=\"%V\" account=\"%V\"", reason,
                  &d->account->sn.str);

    text = ngx_pimap_encode_resync(d->format, reason, last, ngx_cycle->log);

    if (text == NULL) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return;
    }

    /* a client that waits for the end would not see it before */

    if (d->closeafter) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLOSEAFTER, text);

    } else {
        (void) ngx_pimap_device_send(d, text);
    }

    ngx_pimap_message_unref(text);
}
