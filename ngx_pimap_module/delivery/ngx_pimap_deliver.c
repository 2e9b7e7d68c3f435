
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Receives messages of Redis: control messages go to their verbs, events go
 * on in their order.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"


#define NGX_PIMAP_DELIVER_QUIET  60     /* seconds without invalid payloads */


static ngx_int_t ngx_pimap_deliver_verb(ngx_pimap_account_t *account,
    u_char *data, size_t len);
static void ngx_pimap_deliver_event(ngx_pimap_account_t *account,
    pimap_event_t *ev);
static void ngx_pimap_deliver_invalid(ngx_str_t *account, const char *why);
static void ngx_pimap_deliver_delay(struct timespec *start);


static const ngx_pimap_deliver_handlers_t  *ngx_pimap_deliver_handlers;


void
ngx_pimap_deliver_init_process(const ngx_pimap_deliver_handlers_t *handlers)
{
    ngx_pimap_deliver_handlers = handlers;
}


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
    if (account->incoming && ev->epoch == 0) {
        ngx_pimap_deliver_handlers->incoming(account, ev);
    }

    if (account->waiters && ngx_pimap_update_result(ev)) {
        ngx_pimap_deliver_handlers->result(account, ev);
    }

    if (ev->epoch == 0 || ngx_pimap_gap_order(account, ev) == NGX_OK) {
        ngx_pimap_coalesce(account, ev);
    }
}


/* A faulty publisher sends many: one line a minute, with a count. */

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
