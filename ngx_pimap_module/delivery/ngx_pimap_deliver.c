
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Receives messages of Redis: control messages go to their verbs, events go
 * on in their order.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_histogram.h"


#define NGX_PIMAP_DELIVER_QUIET  60     /* seconds between two lines */


static ngx_int_t ngx_pimap_deliver_verb(ngx_pimap_account_t *account,
    u_char *data, size_t len);
static void ngx_pimap_deliver_event(ngx_pimap_account_t *account,
    pimap_event_t *ev);
static void ngx_pimap_deliver_missed(ngx_pimap_account_t *account,
    const char *payload, size_t len);
static void ngx_pimap_deliver_refuse(ngx_pimap_account_t *account,
    const char *payload, size_t len, const char *why);
static void ngx_pimap_deliver_delay(struct timespec *start);


static const ngx_pimap_deliver_handlers_t  *ngx_pimap_deliver_handlers;

static ngx_str_t  ngx_pimap_deliver_no_id = ngx_null_string;


void
ngx_pimap_deliver_init_process(const ngx_pimap_deliver_handlers_t *handlers)
{
    ngx_pimap_deliver_handlers = handlers;
    ngx_pimap_result_init_process(handlers->result);
}


void
ngx_pimap_deliver(ngx_str_t *name, char *payload, size_t len)
{
    char                    why[128];
    pimap_event_t           ev;
    struct timespec         start;
    pimap_event_status_t    status;
    ngx_pimap_account_t    *account;
    ngx_pimap_main_conf_t  *pmcf;

    (void) clock_gettime(CLOCK_MONOTONIC, &start);

    ngx_pimap_count(received);
    ngx_pimap_count_n(received_bytes, len);

    account = ngx_pimap_subscription_find(name);

    if (account == NULL) {
        ngx_pimap_count(without_device);
        return;
    }

    if (len && payload[0] == '!') {
        ngx_pimap_coalesce_flush(account);

        if (ngx_pimap_deliver_verb(account, (u_char *) payload, len)
            != NGX_OK)
        {
            ngx_pimap_refusal(name, &ngx_pimap_deliver_no_id,
                              "unknown control message");
        }

        return;
    }

    ngx_pimap_fanout_soon(ngx_queue_head(&account->devices));

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    status = pimap_event_parse(&ev, payload, len, pmcf->max_event, why,
                               sizeof(why));

    if (status == PIMAP_EVENT_NO_MEMORY) {
        ngx_pimap_deliver_missed(account, payload, len);
        return;
    }

    if (status != PIMAP_EVENT_OK) {
        ngx_pimap_deliver_refuse(account, payload, len, why);
        return;
    }

    ngx_pimap_deliver_event(account, &ev);

    pimap_event_free(&ev);

    ngx_pimap_deliver_delay(&start);
}


static ngx_int_t
ngx_pimap_deliver_verb(ngx_pimap_account_t *account, u_char *data, size_t len)
{
    const ngx_pimap_verb_t  *v;

    for (v = ngx_pimap_deliver_handlers->verbs; v->verb.len; v++) {

        if (len >= v->verb.len
            && ngx_memcmp(data, v->verb.data, v->verb.len) == 0)
        {
            return v->handler(account, data + v->verb.len, len - v->verb.len);
        }
    }

    return NGX_DECLINED;
}


/* Observers first.  An event with an id has to be the next one. */

static void
ngx_pimap_deliver_event(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    pimap_event_id_t  id;

    if (account->incoming && ev->epoch == 0) {
        ngx_pimap_deliver_handlers->incoming(account, ev);
    }

    ngx_pimap_result(account, ev);

    if (ngx_pimap_backlog_full(account)) {
        id.epoch = ev->epoch;
        id.n = ev->n;

        ngx_pimap_gap_missed(account, ev->epoch ? &id : NULL);
        return;
    }

    if (ev->epoch == 0 || ngx_pimap_gap_order(account, ev) == NGX_OK) {
        ngx_pimap_coalesce(account, ev);
    }
}


/* The codec has found an id valid before it needed memory. */

static void
ngx_pimap_deliver_missed(ngx_pimap_account_t *account, const char *payload,
    size_t len)
{
    pimap_event_id_t  id, *known;

    static time_t  last;

    if (ngx_time() - last >= NGX_PIMAP_DELIVER_QUIET) {
        last = ngx_time();

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "pimap has no memory for an event of account \"%V\", "
                      "which is read from the log, or its devices resync",
                      &account->sub.sn.str);
    }

    known = pimap_event_id_scan(&id, payload, payload + len) ? &id : NULL;

    if (account->incoming && known == NULL) {
        ngx_pimap_deliver_handlers->incoming(account, NULL);
    }

    ngx_pimap_result(account, NULL);

    ngx_pimap_gap_missed(account, known);
}


/*
 * Redis has given an id to a text that it had not looked into.  The id passes,
 * as in a page of the log, so that nothing is missing before the next event.
 */

static void
ngx_pimap_deliver_refuse(ngx_pimap_account_t *account, const char *payload,
    size_t len, const char *why)
{
    ngx_str_t          text;
    pimap_event_t      ev;
    pimap_event_id_t   id;
    const char        *end;

    end = pimap_event_id_scan(&id, payload, payload + len);

    if (end == NULL || id.epoch == 0 || id.n == 0) {
        ngx_pimap_refusal(&account->sub.sn.str, &ngx_pimap_deliver_no_id, why);
        return;
    }

    text.data = (u_char *) payload;
    text.len = end - payload;

    ngx_pimap_refusal(&account->sub.sn.str, &text, why);

    ngx_memzero(&ev, sizeof(pimap_event_t));
    ev.epoch = id.epoch;
    ev.n = id.n;

    if (ngx_pimap_gap_order(account, &ev) == NGX_OK) {
        ngx_pimap_gap_rejoin(account);
    }
}


static void
ngx_pimap_deliver_delay(struct timespec *start)
{
    uint64_t          usec;
    struct timespec   now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    usec = (uint64_t) (now.tv_sec - start->tv_sec) * 1000000
           + (now.tv_nsec - start->tv_nsec) / 1000;

    ngx_pimap_histogram_count(NGX_PIMAP_HISTOGRAM_DELAY, usec);
}
