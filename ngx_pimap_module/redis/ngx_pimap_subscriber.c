
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each subscription is in one of three lists: waiting to be sent, sent, or
 * confirmed.  The first two are in the order in which their accounts came.  A
 * bounded number of SUBSCRIBEs is in flight, so that a reconnect with many
 * accounts fills neither Redis' buffers nor ours.
 *
 * Redis answers SUBSCRIBE and UNSUBSCRIBE in order.  A subscription is
 * confirmed when the number of answers is the number that it had when it was
 * sent.  So a late answer for an earlier account of the same name is not
 * mistaken for its own.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_redis.h"
#include "ngx_pimap_zone.h"

#include "pimap_redis_key.h"


#define NGX_PIMAP_SUBSCRIBER_WINDOW   1024  /* answers that are awaited */
#define NGX_PIMAP_SUBSCRIBER_BATCH    64    /* channels in one command */

/* The time in units of 64 msec, as much as a subscription has room for. */
#define NGX_PIMAP_SUBSCRIBER_UNIT     6     /* bits */
#define NGX_PIMAP_SUBSCRIBER_TIMES    0x7fffff
#define ngx_pimap_subscriber_time()                                           \
    ((ngx_current_msec >> NGX_PIMAP_SUBSCRIBER_UNIT)                          \
     & NGX_PIMAP_SUBSCRIBER_TIMES)


static void ngx_pimap_subscriber_up(ngx_pimap_redis_t *redis);
static void ngx_pimap_subscriber_down(ngx_pimap_redis_t *redis);
static void ngx_pimap_subscriber_reply(ngx_pimap_redis_t *redis,
    redisReply *reply);
static void ngx_pimap_subscriber_confirmed(ngx_str_t *name);
static void ngx_pimap_subscriber_pump(void);
static ngx_int_t ngx_pimap_subscriber_batch(void);
static ngx_pimap_subscription_t *ngx_pimap_subscriber_move(ngx_queue_t *from,
    ngx_queue_t *to);


static const ngx_pimap_subscriber_callbacks_t  *ngx_pimap_subscriber_callbacks;

static ngx_pimap_redis_t  ngx_pimap_subscriber;
static ngx_str_t         *ngx_pimap_subscriber_channel;
static ngx_queue_t        ngx_pimap_subscriber_waiting;
static ngx_queue_t        ngx_pimap_subscriber_sent;
static ngx_queue_t        ngx_pimap_subscriber_subscribed;
static uint64_t           ngx_pimap_subscriber_asked;
static uint64_t           ngx_pimap_subscriber_answered;


void
ngx_pimap_subscriber_open(ngx_pimap_conf_redis_t *conf, ngx_str_t *channel,
    const ngx_pimap_subscriber_callbacks_t *callbacks)
{
    ngx_queue_init(&ngx_pimap_subscriber_waiting);
    ngx_queue_init(&ngx_pimap_subscriber_sent);
    ngx_queue_init(&ngx_pimap_subscriber_subscribed);

    ngx_pimap_subscriber_channel = channel;
    ngx_pimap_subscriber_callbacks = callbacks;

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


ngx_msec_t
ngx_pimap_subscriber_waits(void)
{
    ngx_queue_t               *line;
    ngx_pimap_subscription_t  *sub;

    line = ngx_queue_empty(&ngx_pimap_subscriber_sent)
           ? &ngx_pimap_subscriber_waiting : &ngx_pimap_subscriber_sent;

    if (ngx_queue_empty(line)) {
        return 0;
    }

    sub = ngx_queue_data(ngx_queue_head(line), ngx_pimap_subscription_t, link);

    return ((ngx_pimap_subscriber_time() - sub->since)
            & NGX_PIMAP_SUBSCRIBER_TIMES)
           << NGX_PIMAP_SUBSCRIBER_UNIT;
}


static void
ngx_pimap_subscriber_up(ngx_pimap_redis_t *redis)
{
    ngx_pimap_subscriber_asked = 0;
    ngx_pimap_subscriber_answered = 0;

    if (ngx_pimap_redis_send(redis, "SUBSCRIBE %b",
                             ngx_pimap_subscriber_channel->data,
                             ngx_pimap_subscriber_channel->len)
        != NGX_OK)
    {
        ngx_pimap_redis_fail(redis, "no memory");
        return;
    }

    ngx_pimap_subscriber_asked++;

    ngx_pimap_subscriber_callbacks->up();
    ngx_pimap_subscriber_pump();
}


static void
ngx_pimap_subscriber_down(ngx_pimap_redis_t *redis)
{
    ngx_queue_t               *line;
    ngx_pimap_subscription_t  *sub;

    line = &ngx_pimap_subscriber_sent;

    while (!ngx_queue_empty(&ngx_pimap_subscriber_waiting)) {
        (void) ngx_pimap_subscriber_move(&ngx_pimap_subscriber_waiting, line);
    }

    while (!ngx_queue_empty(&ngx_pimap_subscriber_subscribed)) {
        sub = ngx_pimap_subscriber_move(&ngx_pimap_subscriber_subscribed,
                                        line);
        sub->subscribed = 0;
        sub->since = ngx_pimap_subscriber_time();
    }

    while (!ngx_queue_empty(line)) {
        (void) ngx_pimap_subscriber_move(line, &ngx_pimap_subscriber_waiting);
    }

    ngx_pimap_counters->redis_subscribed = 0;

    ngx_pimap_subscriber_callbacks->down();
}


static ngx_pimap_subscription_t *
ngx_pimap_subscriber_move(ngx_queue_t *from, ngx_queue_t *to)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(from);

    ngx_queue_remove(q);
    ngx_queue_insert_tail(to, q);

    return ngx_queue_data(q, ngx_pimap_subscription_t, link);
}


void
ngx_pimap_subscriber_add(ngx_pimap_subscription_t *sub)
{
    sub->since = ngx_pimap_subscriber_time();

    ngx_pimap_subscription_insert(sub);
    ngx_queue_insert_tail(&ngx_pimap_subscriber_waiting, &sub->link);

    ngx_pimap_subscriber_pump();
}


void
ngx_pimap_subscriber_remove(ngx_pimap_subscription_t *sub)
{
    ngx_str_t  *prefix;

    ngx_queue_remove(&sub->link);
    ngx_pimap_subscription_delete(sub);

    if (sub->subscribed) {
        ngx_pimap_uncount(redis_subscribed);
    }

    if (sub->sequence == 0
        || ngx_pimap_subscriber.state != NGX_PIMAP_REDIS_UP)
    {
        return;
    }

    prefix = &ngx_pimap_subscriber.conf->prefix;

    if (ngx_pimap_redis_send(&ngx_pimap_subscriber,
                             "UNSUBSCRIBE " PIMAP_REDIS_KEY("%b", "%b"),
                             prefix->data, prefix->len,
                             sub->sn.str.data, sub->sn.str.len)
        != NGX_OK)
    {
        ngx_pimap_redis_fail(&ngx_pimap_subscriber, "no memory");
        return;
    }

    ngx_pimap_subscriber_asked++;

    ngx_pimap_presence_detached(sub);
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
    int                        n, size;
    char                      *text;
    size_t                     len[NGX_PIMAP_SUBSCRIBER_BATCH + 1];
    const char                *argv[NGX_PIMAP_SUBSCRIBER_BATCH + 1];
    ngx_pimap_subscription_t  *sub;

    static u_char  channels[NGX_PIMAP_SUBSCRIBER_BATCH]
                           [NGX_PIMAP_ACCOUNT_MAX + 128];

    argv[0] = "SUBSCRIBE";
    len[0] = sizeof("SUBSCRIBE") - 1;

    for (n = 0;
         n < NGX_PIMAP_SUBSCRIBER_BATCH
         && !ngx_queue_empty(&ngx_pimap_subscriber_waiting);
         n++)
    {
        sub = ngx_pimap_subscriber_move(&ngx_pimap_subscriber_waiting,
                                        &ngx_pimap_subscriber_sent);
        sub->sequence = ++ngx_pimap_subscriber_asked;

        argv[n + 1] = (char *) channels[n];
        len[n + 1] = ngx_sprintf(channels[n], PIMAP_REDIS_KEY("%V", "%V"),
                                 &ngx_pimap_subscriber.conf->prefix,
                                 &sub->sn.str)
                     - channels[n];
    }

    size = redisFormatCommandArgv(&text, n + 1, argv, len);

    return size < 0 ? NGX_ERROR
                    : ngx_pimap_redis_send_text(&ngx_pimap_subscriber, text,
                                                size);
}


/* "subscribe" channel n, "unsubscribe" channel n, "message" channel payload */

static void
ngx_pimap_subscriber_reply(ngx_pimap_redis_t *redis, redisReply *reply)
{
    ngx_str_t     name;
    redisReply   *kind, *channel, *payload;
    const char   *account;

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_redis_fail(redis, reply->str);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        goto unexpected;
    }

    kind = reply->element[0];
    channel = reply->element[1];
    payload = reply->element[2];

    name.len = pimap_redis_key_account(channel->str, channel->len,
                                       redis->conf->prefix.len, "", &account);
    name.data = (u_char *) account;

    if (ngx_strcmp(kind->str, "message") == 0) {

        if (payload->type != REDIS_REPLY_STRING) {
            goto unexpected;
        }

        if (name.len) {
            ngx_pimap_subscriber_callbacks->message(&name, payload->str,
                                                    payload->len);
        } else {
            ngx_pimap_subscriber_callbacks->own((u_char *) payload->str,
                                                payload->len);
        }

        return;
    }

    if (ngx_pimap_subscriber_answered == ngx_pimap_subscriber_asked) {
        goto unexpected;
    }

    ngx_pimap_subscriber_answered++;

    if (ngx_strcmp(kind->str, "subscribe") == 0) {

        if (name.len) {
            ngx_pimap_subscriber_confirmed(&name);

        } else {
            ngx_pimap_subscriber_callbacks->up();
        }
    }

    ngx_pimap_subscriber_pump();

    return;

unexpected:

    ngx_pimap_redis_fail(redis, "unexpected reply");
}


static void
ngx_pimap_subscriber_confirmed(ngx_str_t *name)
{
    ngx_pimap_account_t               *account;
    ngx_pimap_subscription_t          *sub;
    const ngx_pimap_subscriber_row_t  *row;

    account = ngx_pimap_subscription_find(name);
    sub = (ngx_pimap_subscription_t *) account;

    if (sub == NULL || sub->sequence != ngx_pimap_subscriber_answered) {
        return;
    }

    ngx_queue_remove(&sub->link);
    ngx_queue_insert_tail(&ngx_pimap_subscriber_subscribed, &sub->link);

    sub->subscribed = 1;
    ngx_pimap_count(redis_subscribed);

    ngx_pimap_presence_attached(sub);

    for (row = ngx_pimap_subscriber_callbacks->subscribed;
         row->handler;
         row++)
    {
        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                       "pimap subscribed: account:\"%V\" calls:%s",
                       name, row->name);

        row->handler(account);
    }
}
