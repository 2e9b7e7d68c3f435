
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis has a hash for each account: the name of a device, or "" for all of
 * them, and a time.  After a reconnect each account is looked up.  The lookups
 * wait in a queue, and a few are in flight.  They have the name of the account
 * because it may be freed meanwhile.
 */


#include "ngx_pimap_device_room.h"
#include "ngx_pimap_command.h"


#define NGX_PIMAP_REVOKE_WINDOW   64            /* lookups in flight */
#define NGX_PIMAP_REVOKE_LATER    1000          /* msec */
#define NGX_PIMAP_REVOKE_QUIET    60            /* seconds between errors */


typedef struct {
    ngx_queue_t    link;
    size_t         len;
    u_char         name[1];
} ngx_pimap_revoke_lookup_t;


static void ngx_pimap_revoke_run(void);
static void ngx_pimap_revoke_lookup_timer_handler(ngx_event_t *ev);
static void ngx_pimap_revoke_answer(void *data, redisReply *reply);
static void ngx_pimap_revoke_error(redisReply *reply);
static void ngx_pimap_revoke_end(ngx_pimap_device_t *d, time_t time);
static ngx_pimap_account_t *ngx_pimap_revoke_account(
    ngx_pimap_revoke_lookup_t *lookup);


static ngx_queue_t       ngx_pimap_revoke_queue;
static ngx_uint_t        ngx_pimap_revoke_in_flight;
static ngx_event_t       ngx_pimap_revoke_lookup_timer;


void
ngx_pimap_revoke_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_revoke_queue);

    ngx_pimap_timer_init(&ngx_pimap_revoke_lookup_timer,
                         ngx_pimap_revoke_lookup_timer_handler, cycle->log, 1);
}


/* "<time>[ <device>]" */

ngx_int_t
ngx_pimap_revoke_message(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    u_char              *p, *last;
    time_t               time;
    ngx_str_t            device, name;
    ngx_pimap_device_t  *d;

    last = data + len;

    p = ngx_strlchr(data, last, ' ');
    time = ngx_atotm(data, (p ? p : last) - data);

    if (time == NGX_ERROR) {
        return NGX_DECLINED;
    }

    device.data = p ? p + 1 : last;
    device.len = last - device.data;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        ngx_pimap_device_name(d, &name);

        if (device.len == 0 || ngx_pimap_equal(&device, &name)) {
            ngx_pimap_revoke_end(d, time);
        }
    }

    return NGX_OK;
}


static void
ngx_pimap_revoke_end(ngx_pimap_device_t *d, time_t time)
{
    if ((time_t) d->issued <= time) {
        ngx_pimap_device_expire(d, "revoked");
    }
}


void
ngx_pimap_revoke_check(ngx_pimap_account_t *account)
{
    ngx_pimap_revoke_lookup_t  *lookup;

    /* when it is ready, all accounts are looked up */

    if (account->checking || !account->sub.subscribed
        || ngx_pimap_function_library_state()
           != NGX_PIMAP_FUNCTION_LIBRARY_READY)
    {
        return;
    }

    lookup = ngx_alloc(sizeof(ngx_pimap_revoke_lookup_t)
                       + account->sub.sn.str.len, ngx_cycle->log);

    if (lookup == NULL) {
        ngx_pimap_command_renew("no memory");
        return;
    }

    lookup->len = account->sub.sn.str.len;
    ngx_memcpy(lookup->name, account->name, lookup->len);

    account->checking = 1;
    ngx_queue_insert_tail(&ngx_pimap_revoke_queue, &lookup->link);

    ngx_pimap_revoke_run();
}


void
ngx_pimap_revoke_start(void)
{
    ngx_pimap_subscription_each(ngx_pimap_revoke_check);
}


void
ngx_pimap_revoke_stop(void)
{
    ngx_queue_t          *q;
    ngx_pimap_revoke_lookup_t   *lookup;
    ngx_pimap_account_t  *account;

    while (!ngx_queue_empty(&ngx_pimap_revoke_queue)) {
        q = ngx_queue_head(&ngx_pimap_revoke_queue);
        lookup = ngx_queue_data(q, ngx_pimap_revoke_lookup_t, link);

        account = ngx_pimap_revoke_account(lookup);

        if (account) {
            account->checking = 0;
        }

        ngx_queue_remove(q);
        ngx_free(lookup);
    }

    if (ngx_pimap_revoke_lookup_timer.timer_set) {
        ngx_del_timer(&ngx_pimap_revoke_lookup_timer);
    }
}


static void
ngx_pimap_revoke_run(void)
{
    ngx_str_t             name;
    ngx_queue_t          *q;
    ngx_pimap_revoke_lookup_t   *lookup;
    ngx_pimap_account_t  *account;

    while (ngx_pimap_revoke_in_flight < NGX_PIMAP_REVOKE_WINDOW
           && !ngx_queue_empty(&ngx_pimap_revoke_queue))
    {
        q = ngx_queue_head(&ngx_pimap_revoke_queue);
        lookup = ngx_queue_data(q, ngx_pimap_revoke_lookup_t, link);

        name.data = lookup->name;
        name.len = lookup->len;

        if (ngx_pimap_revocation_read(&name, ngx_pimap_revoke_answer, lookup)
            == NULL)
        {
            /* too many commands are in flight, or Redis is away */

            if (!ngx_pimap_revoke_lookup_timer.timer_set) {
                ngx_add_timer(&ngx_pimap_revoke_lookup_timer,
                              NGX_PIMAP_REVOKE_LATER);
            }

            return;
        }

        ngx_queue_remove(q);
        ngx_pimap_revoke_in_flight++;

        /* a revocation from now on needs another lookup */

        account = ngx_pimap_revoke_account(lookup);

        if (account) {
            account->checking = 0;
        }
    }
}


static void
ngx_pimap_revoke_lookup_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_revoke_run();
}


static void
ngx_pimap_revoke_answer(void *data, redisReply *reply)
{
    ngx_pimap_revoke_lookup_t  *lookup = data;

    time_t                time;
    ngx_str_t             name;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    ngx_pimap_revoke_in_flight--;

    account = ngx_pimap_revoke_account(lookup);

    ngx_free(lookup);

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        ngx_pimap_revoke_error(reply);
        account = NULL;
    }

    if (account && reply->elements) {

        for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d))
        {
            ngx_pimap_device_name(d, &name);
            time = ngx_pimap_revocation_time(reply, &name);

            /* a login within that second was made after it, most likely */

            ngx_pimap_revoke_end(d, d->revocable ? time : time - 1);
        }
    }

    ngx_pimap_revoke_run();
}


static ngx_pimap_account_t *
ngx_pimap_revoke_account(ngx_pimap_revoke_lookup_t *lookup)
{
    ngx_str_t  name;

    name.data = lookup->name;
    name.len = lookup->len;

    return ngx_pimap_subscription_find(&name);
}


static void
ngx_pimap_revoke_error(redisReply *reply)
{
    static time_t  said;

    if (said && ngx_time() - said < NGX_PIMAP_REVOKE_QUIET) {
        return;
    }

    said = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "pimap can't read the revoked logins: %s",
                  reply->type == REDIS_REPLY_ERROR ? reply->str
                                                   : "unexpected reply");
}
