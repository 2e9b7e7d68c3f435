
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis has a hash for each account: the name of a device, or "" for all of
 * them, and a time.  After a reconnect each account is looked up.  The lookups
 * wait in a queue, and a few are in flight.  They have the name of the account
 * because it may be freed meanwhile.
 *
 * Invariant: a lookup that failed is repeated until Redis answers it.  The
 * account is unproven until then, and while the subscriber is away, because no
 * message of a revocation comes then.  A reconnect looks up all accounts, so
 * it needs no lookup from before.
 */


#include "ngx_pimap_device_room.h"
#include "ngx_pimap_command.h"


#define NGX_PIMAP_REVOKE_WINDOW   64            /* lookups in flight */
#define NGX_PIMAP_REVOKE_LATER    1000          /* msec, until failed
                                                   lookups are repeated */


typedef struct {
    ngx_queue_t    link;
    size_t         len;
    u_char         name[1];
} ngx_pimap_revoke_lookup_t;


static void ngx_pimap_revoke_drop(ngx_queue_t *lookups);
static void ngx_pimap_revoke_drop_one(ngx_pimap_revoke_lookup_t *lookup);
static ngx_uint_t ngx_pimap_revoke_ready(ngx_pimap_revoke_lookup_t *lookup);
static void ngx_pimap_revoke_run(void);
static void ngx_pimap_revoke_later(void);
static void ngx_pimap_revoke_lookup_timer_handler(ngx_event_t *ev);
static void ngx_pimap_revoke_answer(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_revoke_devices(ngx_pimap_account_t *account,
    redisReply *reply);
static void ngx_pimap_revoke_error(ngx_pimap_account_t *account,
    redisReply *reply);
static void ngx_pimap_revoke_end(ngx_pimap_device_t *d, time_t time);
static ngx_pimap_account_t *ngx_pimap_revoke_account(
    ngx_pimap_revoke_lookup_t *lookup);


static ngx_queue_t       ngx_pimap_revoke_queue;
static ngx_queue_t       ngx_pimap_revoke_failed;
static ngx_uint_t        ngx_pimap_revoke_in_flight;
static ngx_event_t       ngx_pimap_revoke_lookup_timer;


void
ngx_pimap_revoke_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_revoke_queue);
    ngx_queue_init(&ngx_pimap_revoke_failed);

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


/* The backend needs their login, as it has lost it.  Any login will do. */

ngx_int_t
ngx_pimap_revoke_login(ngx_pimap_account_t *account, u_char *data, size_t len)
{
    ngx_pimap_device_t  *d;

    if (len) {
        return NGX_DECLINED;
    }

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        ngx_pimap_device_expire(d, "login");
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

    if (ngx_pimap_revocation_off()) {
        return;
    }

    /* a subscription that comes late is followed by a look-up */

    if (!account->sub.subscribed) {

        if (!ngx_pimap_subscriber_listening(account->sub.slot)) {
            ngx_pimap_account_unproven(account, 1);
        }

        return;
    }

    /* when it is ready, all accounts are looked up */

    if (account->checking || !ngx_pimap_command_ready(account->sub.slot)) {
        return;
    }

    lookup = ngx_alloc(sizeof(ngx_pimap_revoke_lookup_t)
                       + account->sub.sn.str.len, ngx_cycle->log);

    if (lookup == NULL) {
        ngx_pimap_command_renew(account->sub.slot, "no memory");
        return;
    }

    lookup->len = account->sub.sn.str.len;
    ngx_memcpy(lookup->name, account->name, lookup->len);

    account->checking = 1;
    ngx_queue_insert_tail(&ngx_pimap_revoke_queue, &lookup->link);

    ngx_pimap_revoke_run();
}


void
ngx_pimap_revoke_stop(void)
{
    ngx_pimap_revoke_drop(&ngx_pimap_revoke_queue);
    ngx_pimap_revoke_drop(&ngx_pimap_revoke_failed);

    if (ngx_queue_empty(&ngx_pimap_revoke_queue)
        && ngx_queue_empty(&ngx_pimap_revoke_failed)
        && ngx_pimap_revoke_lookup_timer.timer_set)
    {
        ngx_del_timer(&ngx_pimap_revoke_lookup_timer);
    }
}


/* Those that can't be sent: all accounts of that Redis are looked up later. */

static void
ngx_pimap_revoke_drop(ngx_queue_t *lookups)
{
    ngx_queue_t                *q, *next;
    ngx_pimap_revoke_lookup_t  *lookup;

    for (q = ngx_queue_head(lookups);
         q != ngx_queue_sentinel(lookups);
         q = next)
    {
        next = ngx_queue_next(q);
        lookup = ngx_queue_data(q, ngx_pimap_revoke_lookup_t, link);

        if (!ngx_pimap_revoke_ready(lookup)) {
            ngx_pimap_revoke_drop_one(lookup);
        }
    }
}


static void
ngx_pimap_revoke_drop_one(ngx_pimap_revoke_lookup_t *lookup)
{
    ngx_pimap_account_t  *account;

    account = ngx_pimap_revoke_account(lookup);

    if (account) {
        account->checking = 0;
    }

    ngx_queue_remove(&lookup->link);
    ngx_free(lookup);
}


static ngx_uint_t
ngx_pimap_revoke_ready(ngx_pimap_revoke_lookup_t *lookup)
{
    ngx_str_t  name;

    name.data = lookup->name;
    name.len = lookup->len;

    return ngx_pimap_command_ready(ngx_pimap_node_slot(&name));
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
            /* another Redis than that of the account may be there */

            if (!ngx_pimap_revoke_ready(lookup)) {
                ngx_pimap_revoke_drop_one(lookup);
                continue;
            }

            /* too many commands are in flight */

            ngx_pimap_revoke_later();
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
ngx_pimap_revoke_later(void)
{
    if (!ngx_pimap_revoke_lookup_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_revoke_lookup_timer, NGX_PIMAP_REVOKE_LATER);
    }
}


/* Of the lookups that failed, a part is repeated each time. */

static void
ngx_pimap_revoke_lookup_timer_handler(ngx_event_t *ev)
{
    ngx_uint_t    i;
    ngx_queue_t  *q;

    for (i = 0; i < NGX_PIMAP_REVOKE_WINDOW; i++) {

        if (ngx_queue_empty(&ngx_pimap_revoke_failed)) {
            break;
        }

        q = ngx_queue_head(&ngx_pimap_revoke_failed);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_pimap_revoke_queue, q);
    }

    if (!ngx_queue_empty(&ngx_pimap_revoke_failed)) {
        ngx_pimap_revoke_later();
    }

    ngx_pimap_revoke_run();
}


static void
ngx_pimap_revoke_answer(void *data, redisReply *reply)
{
    ngx_pimap_revoke_lookup_t  *lookup = data;

    ngx_pimap_account_t  *account;

    ngx_pimap_revoke_in_flight--;

    account = ngx_pimap_revoke_account(lookup);

    if (account && ngx_pimap_revoke_devices(account, reply) != NGX_OK) {
        ngx_pimap_account_unproven(account, 1);

        if (reply) {
            ngx_pimap_revoke_error(account, reply);
        }

        if (reply && !account->checking) {
            account->checking = 1;
            ngx_queue_insert_tail(&ngx_pimap_revoke_failed, &lookup->link);
            ngx_pimap_revoke_later();
            lookup = NULL;
        }

    } else if (account && account->sub.subscribed) {
        ngx_pimap_account_unproven(account, 0);
    }

    ngx_free(lookup);

    if (reply) {
        ngx_pimap_revoke_run();
    }
}


static ngx_int_t
ngx_pimap_revoke_devices(ngx_pimap_account_t *account, redisReply *reply)
{
    time_t               time;
    ngx_int_t            rc;
    ngx_str_t            name;
    ngx_pimap_device_t  *d;

    if (reply == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {

        ngx_pimap_device_name(d, &name);

        /* a time of one device that can't be read must not hide another's */

        if (ngx_pimap_revocation_time(reply, &name, &time) != NGX_OK) {
            rc = NGX_ERROR;
        }

        /* a login within that second was made after it, most likely */

        ngx_pimap_revoke_end(d, d->revocable ? time : time - 1);
    }

    return rc;
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
ngx_pimap_revoke_error(ngx_pimap_account_t *account, redisReply *reply)
{
    ngx_uint_t  level;

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_REVOKED, NGX_LOG_ERR);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap can't read the revoked logins of account \"%V\": "
                  "%s; its devices stay, it asks again",
                  &account->sub.sn.str,
                  reply->type == REDIS_REPLY_ERROR ? reply->str
                                                   : "unexpected reply");
}
