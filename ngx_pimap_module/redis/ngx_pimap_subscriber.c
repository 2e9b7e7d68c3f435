
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each account is in one of two lists: "waiting" to be subscribed, or sent.
 * Only so many SUBSCRIBEs are under way at a time, so that a reconnect with
 * many accounts does not fill Redis' buffers or ours.
 *
 * Redis answers each channel of a SUBSCRIBE or UNSUBSCRIBE in order, so an
 * account is subscribed when as many answers have come as were asked for
 * when it was sent: a late answer for an earlier life of the same account is
 * not taken for its own.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_deliver.h"
#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_presence.h"
#include "ngx_pimap_probe.h"
#include "ngx_pimap_redis.h"
#include "ngx_pimap_gap.h"
#include "ngx_pimap_revoke.h"
#include "ngx_pimap_supersede.h"
#include "ngx_pimap_update_waiter.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_SUBSCRIBER_WINDOW   1024  /* answers that are awaited */
#define NGX_PIMAP_SUBSCRIBER_BATCH    64    /* channels in one command */


static void ngx_pimap_subscriber_up(ngx_pimap_redis_t *redis);
static void ngx_pimap_subscriber_down(ngx_pimap_redis_t *redis);
static void ngx_pimap_subscriber_reply(ngx_pimap_redis_t *redis,
    redisReply *reply);
static void ngx_pimap_subscriber_acked(ngx_str_t *channel);
static void ngx_pimap_subscriber_message(ngx_str_t *channel,
    redisReply *payload);
static void ngx_pimap_subscriber_pump(void);
static ngx_int_t ngx_pimap_subscriber_batch(void);
static void ngx_pimap_subscriber_wait_all(void);


static ngx_pimap_redis_t  ngx_pimap_subscriber;
static ngx_queue_t        ngx_pimap_subscriber_waiting;
static ngx_queue_t        ngx_pimap_subscriber_sent;
static uint64_t           ngx_pimap_subscriber_asked;
static uint64_t           ngx_pimap_subscriber_answered;


void
ngx_pimap_subscriber_open(ngx_pimap_conf_redis_t *conf)
{
    ngx_queue_init(&ngx_pimap_subscriber_waiting);
    ngx_queue_init(&ngx_pimap_subscriber_sent);

    ngx_pimap_subscriber.role = "subscriber";
    ngx_pimap_subscriber.conf = conf;
    ngx_pimap_subscriber.up = ngx_pimap_subscriber_up;
    ngx_pimap_subscriber.down = ngx_pimap_subscriber_down;
    ngx_pimap_subscriber.reply = ngx_pimap_subscriber_reply;

    ngx_pimap_redis_open(&ngx_pimap_subscriber);
}


void
ngx_pimap_subscriber_close(void)
{
    ngx_pimap_redis_close(&ngx_pimap_subscriber);
}


void
ngx_pimap_subscriber_renew(const char *why)
{
    if (ngx_pimap_subscriber.state == NGX_PIMAP_REDIS_UP) {
        ngx_pimap_redis_fail(&ngx_pimap_subscriber, why);
    }
}


ngx_uint_t
ngx_pimap_subscriber_listening(void)
{
    return ngx_pimap_subscriber.state == NGX_PIMAP_REDIS_UP
           && !ngx_pimap_subscriber.failed
           && ngx_pimap_subscriber_answered;
}


ngx_uint_t
ngx_pimap_subscriber_ready(void)
{
    return ngx_pimap_subscriber_listening()
           && ngx_queue_empty(&ngx_pimap_subscriber_waiting)
           && ngx_pimap_subscriber_asked == ngx_pimap_subscriber_answered;
}


void
ngx_pimap_subscriber_each(void (*handler)(ngx_pimap_account_t *account))
{
    ngx_queue_t          *q;
    ngx_pimap_account_t  *account;

    for (q = ngx_queue_head(&ngx_pimap_subscriber_sent);
         q != ngx_queue_sentinel(&ngx_pimap_subscriber_sent);
         q = ngx_queue_next(q))
    {
        account = ngx_queue_data(q, ngx_pimap_account_t, link);

        if (account->subscribed) {
            handler(account);
        }
    }
}


void
ngx_pimap_subscriber_rotate(ngx_uint_t part,
    void (*handler)(ngx_pimap_account_t *account))
{
    ngx_uint_t            n;
    ngx_queue_t          *q;
    ngx_pimap_account_t  *account;

    static ngx_uint_t  rest;

    /* what is left of the division comes with a later part */

    rest += ngx_pimap_counters->redis_subscribed;
    n = rest / part;
    rest %= part;

    while (n-- && !ngx_queue_empty(&ngx_pimap_subscriber_sent)) {
        q = ngx_queue_head(&ngx_pimap_subscriber_sent);
        account = ngx_queue_data(q, ngx_pimap_account_t, link);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_pimap_subscriber_sent, q);

        if (account->subscribed) {
            handler(account);
        }
    }
}


static void
ngx_pimap_subscriber_up(ngx_pimap_redis_t *redis)
{
    size_t       len[2];
    ngx_str_t   *probe;
    const char  *argv[2];

    ngx_pimap_subscriber_asked = 0;
    ngx_pimap_subscriber_answered = 0;

    probe = ngx_pimap_probe_channel();

    argv[0] = "SUBSCRIBE";
    len[0] = sizeof("SUBSCRIBE") - 1;
    argv[1] = (char *) probe->data;
    len[1] = probe->len;

    if (ngx_pimap_redis_send(redis, 2, argv, len) != NGX_OK) {
        ngx_pimap_redis_fail(redis, "no memory");
        return;
    }

    ngx_pimap_subscriber_asked++;

    ngx_pimap_probe_start();
    ngx_pimap_subscriber_pump();
}


static void
ngx_pimap_subscriber_down(ngx_pimap_redis_t *redis)
{
    ngx_pimap_subscriber_wait_all();
    ngx_pimap_probe_lost();
}


static void
ngx_pimap_subscriber_wait_all(void)
{
    ngx_queue_t          *q;
    ngx_pimap_account_t  *account;

    while (!ngx_queue_empty(&ngx_pimap_subscriber_sent)) {
        q = ngx_queue_head(&ngx_pimap_subscriber_sent);
        account = ngx_queue_data(q, ngx_pimap_account_t, link);

        account->subscribed = 0;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_pimap_subscriber_waiting, q);
    }

    ngx_pimap_counters->redis_subscribed = 0;
}


void
ngx_pimap_subscriber_add(ngx_pimap_account_t *account)
{
    ngx_queue_insert_tail(&ngx_pimap_subscriber_waiting, &account->link);

    ngx_pimap_subscriber_pump();
}


void
ngx_pimap_subscriber_remove(ngx_pimap_account_t *account)
{
    size_t       len[2];
    u_char       channel[NGX_PIMAP_CHANNEL_MAX];
    const char  *argv[2];

    ngx_queue_remove(&account->link);

    if (account->subscribed) {
        ngx_pimap_uncount(redis_subscribed);
    }

    if (account->sequence == 0
        || ngx_pimap_subscriber.state != NGX_PIMAP_REDIS_UP)
    {
        return;
    }

    argv[0] = "UNSUBSCRIBE";
    len[0] = sizeof("UNSUBSCRIBE") - 1;
    argv[1] = (char *) channel;
    len[1] = ngx_pimap_channel_name(channel, ngx_pimap_subscriber.conf,
                                    &account->sn.str);

    if (ngx_pimap_redis_send(&ngx_pimap_subscriber, 2, argv, len) != NGX_OK) {
        ngx_pimap_redis_fail(&ngx_pimap_subscriber, "no memory");
        return;
    }

    ngx_pimap_subscriber_asked++;

    ngx_pimap_presence_detached(account);
}


static void
ngx_pimap_subscriber_pump(void)
{
    while (ngx_pimap_subscriber.state == NGX_PIMAP_REDIS_UP
           && !ngx_queue_empty(&ngx_pimap_subscriber_waiting)
           && ngx_pimap_subscriber_asked - ngx_pimap_subscriber_answered
              < NGX_PIMAP_SUBSCRIBER_WINDOW)
    {
        if (ngx_pimap_subscriber_batch() != NGX_OK) {
            ngx_pimap_redis_fail(&ngx_pimap_subscriber, "no memory");
            return;
        }
    }
}


static ngx_int_t
ngx_pimap_subscriber_batch(void)
{
    size_t                len[NGX_PIMAP_SUBSCRIBER_BATCH + 1];
    ngx_int_t             n;
    ngx_queue_t          *q;
    const char           *argv[NGX_PIMAP_SUBSCRIBER_BATCH + 1];
    ngx_pimap_account_t  *account;
    static u_char         channels[NGX_PIMAP_SUBSCRIBER_BATCH]
                                  [NGX_PIMAP_CHANNEL_MAX];

    argv[0] = "SUBSCRIBE";
    len[0] = sizeof("SUBSCRIBE") - 1;

    for (n = 0; n < NGX_PIMAP_SUBSCRIBER_BATCH; n++) {

        if (ngx_queue_empty(&ngx_pimap_subscriber_waiting)) {
            break;
        }

        q = ngx_queue_head(&ngx_pimap_subscriber_waiting);
        account = ngx_queue_data(q, ngx_pimap_account_t, link);

        argv[n + 1] = (char *) channels[n];
        len[n + 1] = ngx_pimap_channel_name(channels[n],
                                            ngx_pimap_subscriber.conf,
                                            &account->sn.str);

        account->sequence = ++ngx_pimap_subscriber_asked;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_pimap_subscriber_sent, q);
    }

    return ngx_pimap_redis_send(&ngx_pimap_subscriber, n + 1, argv, len);
}


/* "subscribe" channel n, "unsubscribe" channel n, "message" channel payload */

static void
ngx_pimap_subscriber_reply(ngx_pimap_redis_t *redis, redisReply *reply)
{
    ngx_str_t    channel;
    redisReply  *kind;

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_redis_fail(redis, reply->str);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        ngx_pimap_redis_fail(redis, "unexpected reply");
        return;
    }

    kind = reply->element[0];
    channel.data = (u_char *) reply->element[1]->str;
    channel.len = reply->element[1]->len;

    if (ngx_strcmp(kind->str, "message") == 0) {
        ngx_pimap_subscriber_message(&channel, reply->element[2]);
        return;
    }

    if (ngx_pimap_subscriber_answered == ngx_pimap_subscriber_asked) {
        ngx_pimap_redis_fail(redis, "unexpected reply");
        return;
    }

    ngx_pimap_subscriber_answered++;

    if (ngx_strcmp(kind->str, "subscribe") == 0) {
        ngx_pimap_subscriber_acked(&channel);
    }

    ngx_pimap_subscriber_pump();
}


static void
ngx_pimap_subscriber_acked(ngx_str_t *channel)
{
    ngx_str_t             name;
    ngx_pimap_account_t  *account;

    if (ngx_pimap_channel_account(channel, ngx_pimap_subscriber.conf, &name)
        != NGX_OK)
    {
        ngx_pimap_probe_start();
        return;
    }

    account = ngx_pimap_account_find(&name);

    if (account == NULL
        || account->sequence != ngx_pimap_subscriber_answered)
    {
        return;
    }

    account->subscribed = 1;
    ngx_pimap_count(redis_subscribed);

    ngx_pimap_presence_attached(account);
    ngx_pimap_supersede_subscribed(account);
    ngx_pimap_gap_subscribed(account);
    ngx_pimap_handover_incoming_subscribed(account);
    ngx_pimap_revoke_check(account);
    ngx_pimap_update_waiter_subscribed(account);
}


static void
ngx_pimap_subscriber_message(ngx_str_t *channel, redisReply *payload)
{
    ngx_str_t  name;

    if (payload->type != REDIS_REPLY_STRING) {
        ngx_pimap_redis_fail(&ngx_pimap_subscriber, "unexpected reply");
        return;
    }

    if (ngx_pimap_channel_account(channel, ngx_pimap_subscriber.conf, &name)
        != NGX_OK)
    {
        ngx_pimap_probe_received((u_char *) payload->str, payload->len);
        return;
    }

    ngx_pimap_deliver(&name, payload->str, payload->len);
}
