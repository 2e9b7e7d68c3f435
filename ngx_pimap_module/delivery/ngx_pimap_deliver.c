
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Parsed once, encoded once, sent to each device whose filter lets it pass.
 */


#include "ngx_pimap_deliver.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_coalesce.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_filter.h"
#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_handover_marker.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_update_result.h"
#include "ngx_pimap_gap.h"
#include "ngx_pimap_revoke.h"
#include "ngx_pimap_supersede.h"
#include "ngx_pimap_update_waiter.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_DELIVER_QUIET  60     /* seconds without invalid payloads */


static ngx_uint_t ngx_pimap_deliver_passes(ngx_pimap_device_t *d,
    pimap_event_t *ev);
static void ngx_pimap_deliver_invalid(ngx_str_t *account, const char *why);
static void ngx_pimap_deliver_delay(struct timespec *start);


void
ngx_pimap_deliver(ngx_str_t *name, char *payload, size_t len)
{
    char                    why[128];
    pimap_event_t           ev;
    struct timespec         start;
    ngx_pimap_account_t    *account;
    ngx_pimap_main_conf_t  *pmcf;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    ngx_pimap_count(received);
    ngx_pimap_count_n(received_bytes, len);

    account = ngx_pimap_account_find(name);

    if (account == NULL) {
        ngx_pimap_count(without_device);
        return;
    }

    if (len && payload[0] == '!') {
        ngx_pimap_coalesce_flush(account);

        if (ngx_pimap_supersede_message(account, (u_char *) payload, len)
            != NGX_OK
            && ngx_pimap_handover_marker_message(account, (u_char *) payload,
                                                 len)
               != NGX_OK
            && ngx_pimap_revoke_message(account, (u_char *) payload, len)
               != NGX_OK)
        {
            ngx_pimap_deliver_invalid(name, "unknown control message");
        }

        return;
    }

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    if (pimap_event_parse(&ev, payload, len, pmcf->max_event, why,
                          sizeof(why))
        != PIMAP_EVENT_OK)
    {
        ngx_pimap_deliver_invalid(name, why);
        return;
    }

    if (ev.epoch == 0) {
        ngx_pimap_handover_incoming_event(account, &ev);
    }

    if (ngx_pimap_update_result(&ev)) {
        ngx_pimap_update_waiter_result(account, &ev);
    }

    if (ev.epoch == 0 || ngx_pimap_gap_live(account, &ev) == NGX_OK) {
        ngx_pimap_coalesce(account, &ev);
    }

    pimap_event_free(&ev);

    ngx_pimap_deliver_delay(&start);
}


void
ngx_pimap_deliver_event(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    ngx_queue_t         *q;
    ngx_pimap_encoded_t    texts;
    ngx_pimap_device_t  *d;

    ngx_memzero(&texts, sizeof(ngx_pimap_encoded_t));

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->doomed || (ev->epoch && !ngx_pimap_gap_passes(d, ev))) {
            continue;
        }

        (void) ngx_pimap_deliver_device(d, ev, &texts);
    }

    ngx_pimap_encoded_free(&texts);
}


ngx_int_t
ngx_pimap_deliver_one(ngx_pimap_device_t *d, pimap_event_t *ev)
{
    ngx_int_t          rc;
    ngx_pimap_encoded_t  texts;

    ngx_memzero(&texts, sizeof(ngx_pimap_encoded_t));

    rc = ngx_pimap_deliver_device(d, ev, &texts);

    ngx_pimap_encoded_free(&texts);

    return rc;
}


ngx_int_t
ngx_pimap_deliver_device(ngx_pimap_device_t *d, pimap_event_t *ev,
    ngx_pimap_encoded_t *texts)
{
    ngx_int_t          rc;
    ngx_pimap_message_t  *text;

    if (!ngx_pimap_deliver_passes(d, ev)) {
        ngx_pimap_count(filtered);
        return NGX_OK;
    }

    text = ngx_pimap_encode_event(texts, d->format, ev, ngx_cycle->log);

    if (text == NULL) {
        ngx_pimap_count(dropped);
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return NGX_ERROR;
    }

    rc = ngx_pimap_device_send(d, text);

    /* what an answer has no room for comes with the next one */

    if (rc == NGX_DONE && ev->epoch) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_pimap_count(dropped);
        return NGX_ERROR;
    }

    d->events++;
    ngx_pimap_count(delivered);

    if (d->closeafter) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLOSEAFTER, NULL);
    }

    return NGX_OK;
}


/* Who has asked gets the answer, whatever its filter says. */

static ngx_uint_t
ngx_pimap_deliver_passes(ngx_pimap_device_t *d, pimap_event_t *ev)
{
    if (ngx_pimap_update_result(ev)) {
        return ngx_pimap_update_result_is_for(d, ev);
    }

    return ngx_pimap_filter_match(d->filter, ev);
}


/* A publisher that is wrong is so at each event: one line, then a count. */

static void
ngx_pimap_deliver_invalid(ngx_str_t *account, const char *why)
{
    static time_t      last;
    static ngx_uint_t  unlogged;

    ngx_pimap_count(invalid);

    if (last && ngx_time() - last < NGX_PIMAP_DELIVER_QUIET) {
        unlogged++;
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "pimap dropped invalid payload: %s, account \"%V\" "
                  "(%ui more before)", why, account, unlogged);

    last = ngx_time();
    unlogged = 0;
}


static void
ngx_pimap_deliver_delay(struct timespec *start)
{
    uint64_t          usec;
    ngx_uint_t        i;
    struct timespec   now;

    static const uint64_t  limits[NGX_PIMAP_NDELAYS - 1] = {
        1000, 5000, 25000, 100000, 500000, 2000000
    };

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    usec = (uint64_t) (now.tv_sec - start->tv_sec) * 1000000
           + (now.tv_nsec - start->tv_nsec) / 1000;

    for (i = 0; i < NGX_PIMAP_NDELAYS - 1 && usec > limits[i]; i++) {
        /* void */
    }

    ngx_pimap_count(delays[i]);
    ngx_pimap_count_n(delay_usec, usec);
}
