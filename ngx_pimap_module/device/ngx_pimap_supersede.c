
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One order decides, and all messages carry it: the time at which the request
 * came, then the token.  So a message that is late, or comes twice, does no
 * harm.  An announcement has to come back by the account's subscription.
 * Until then the device is not confirmed, and is announced again after a loss.
 *
 * Workers of earlier versions send "!supersede <token> <device>", without a
 * time.  It ends the devices that are confirmed.
 */


#include "ngx_pimap_device_room.h"
#include "ngx_pimap_device_backlog.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_encode.h"

#include <openssl/rand.h>


#define NGX_PIMAP_SUPERSEDE_LATER  1000     /* msec */
#define NGX_PIMAP_SUPERSEDE_MAX    16000
#define NGX_PIMAP_SUPERSEDE_AHEAD  60000000 /* usec */
#define NGX_PIMAP_SUPERSEDE_AWAY   100


static uint64_t ngx_pimap_supersede_now(void);
static void ngx_pimap_supersede_set_back(ngx_pimap_account_t *account);
static ngx_uint_t ngx_pimap_supersede_same(ngx_pimap_device_t *d,
    ngx_str_t *name);
static ngx_uint_t ngx_pimap_supersede_newer(ngx_pimap_device_t *d,
    uint64_t since, uint64_t token);
static void ngx_pimap_supersede_end(ngx_pimap_device_t *d);
static void ngx_pimap_supersede_announce(ngx_pimap_device_t *d);
static void ngx_pimap_supersede_announced(void *data, redisReply *reply);
static void ngx_pimap_supersede_later_handler(ngx_event_t *ev);
static ngx_int_t ngx_pimap_supersede_apply(ngx_pimap_account_t *account,
    uint64_t since, u_char *p, u_char *last);
static ngx_int_t ngx_pimap_supersede_number(u_char **pos, u_char *last,
    ngx_uint_t base, uint64_t *number);
static void ngx_pimap_supersede_compare(ngx_pimap_device_t *d,
    uint64_t since, uint64_t token);


static uint64_t     ngx_pimap_supersede_last_token;
static uint64_t     ngx_pimap_supersede_last_time;
static uint64_t     ngx_pimap_supersede_began;  /* this worker */
static ngx_event_t  ngx_pimap_supersede_later;
static ngx_msec_t   ngx_pimap_supersede_delay = NGX_PIMAP_SUPERSEDE_LATER;


ngx_int_t
ngx_pimap_supersede_init_process(ngx_cycle_t *cycle)
{
    if (RAND_bytes((u_char *) &ngx_pimap_supersede_last_token,
                   sizeof(uint64_t))
        != 1)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "pimap can't start: RAND_bytes() gave no random "
                      "numbers");
        return NGX_ERROR;
    }

    ngx_pimap_supersede_began = ngx_pimap_device_now();

    ngx_pimap_timer_init(&ngx_pimap_supersede_later,
                         ngx_pimap_supersede_later_handler, cycle->log, 1);

    return NGX_OK;
}


uint64_t
ngx_pimap_supersede_token(void)
{
    return ngx_pimap_supersede_last_token++;
}


/* Within a worker it always rises, also if the clock is set back. */

uint64_t
ngx_pimap_supersede_time(void)
{
    uint64_t  now;

    now = ngx_pimap_supersede_now();

    ngx_pimap_supersede_last_time = ngx_max(now,
                                            ngx_pimap_supersede_last_time + 1);

    return ngx_pimap_supersede_last_time;
}


/*
 * The clock was far ahead, and is right again.  Requests of that time have
 * ended the older ones, and must not end the newer ones.
 */

static uint64_t
ngx_pimap_supersede_now(void)
{
    uint64_t  now;

    now = ngx_pimap_device_now();

    if (ngx_pimap_supersede_last_time > now + NGX_PIMAP_SUPERSEDE_AHEAD) {
        ngx_pimap_supersede_last_time = now;
        ngx_pimap_supersede_began = ngx_min(ngx_pimap_supersede_began, now);
        ngx_pimap_subscription_each(ngx_pimap_supersede_set_back);
    }

    return now;
}


static void
ngx_pimap_supersede_set_back(ngx_pimap_account_t *account)
{
    ngx_pimap_device_t  *d;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->since > ngx_pimap_supersede_last_time) {
            d->since = ngx_pimap_supersede_began;
        }
    }
}


/* A worker of this host has sent it, and its requests were older than ours. */

uint64_t
ngx_pimap_supersede_since(uint64_t since)
{
    return since && since <= ngx_pimap_device_now() ? since
                                               : ngx_pimap_supersede_began;
}


void
ngx_pimap_supersede(ngx_pimap_device_t *d)
{
    ngx_str_t            name;
    ngx_pimap_device_t  *other;

    /* another worker's clock may be ahead */

    ngx_pimap_supersede_last_time = ngx_max(ngx_pimap_supersede_last_time,
                                            d->since);

    if (d->name_len == 0) {
        return;
    }

    ngx_pimap_device_name(d, &name);

    for (other = ngx_pimap_devices(d->account);
         other && !d->closing;
         other = ngx_pimap_device_next(other))
    {
        if (other == d || !ngx_pimap_supersede_same(other, &name)) {
            continue;
        }

        ngx_pimap_supersede_end(ngx_pimap_supersede_newer(d, other->since,
                                                          other->token)
                                ? d : other);
    }

    /* else it is announced when the account is subscribed */

    if (!d->closing && !d->confirmed && d->account->sub.subscribed) {
        ngx_pimap_supersede_announce(d);
    }
}


static ngx_uint_t
ngx_pimap_supersede_same(ngx_pimap_device_t *d, ngx_str_t *name)
{
    return d->name_len && d->name_len == name->len
           && ngx_memcmp(d->name, name->data, name->len) == 0;
}


/* True if that request is newer than the device's. */

static ngx_uint_t
ngx_pimap_supersede_newer(ngx_pimap_device_t *d, uint64_t since,
    uint64_t token)
{
    return since > d->since || (since == d->since && token > d->token);
}


static void
ngx_pimap_supersede_end(ngx_pimap_device_t *d)
{
    ngx_msec_t         retry;
    pimap_event_id_t  *id;

    id = d->reader || d->account->has_last_id ? ngx_pimap_device_last_id(d)
                                              : NULL;

    retry = d->conf->retry;

    /* clients of this format come back even so, by themselves */

    if (d->format == NGX_PIMAP_FORMAT_SSE) {
        retry *= NGX_PIMAP_SUPERSEDE_AWAY;
    }

    ngx_pimap_device_dbg(d, "superseded");

    ngx_pimap_device_end(d, NGX_PIMAP_END_SUPERSEDED,
                         ngx_pimap_encode(d->format,
                                          NGX_PIMAP_CONTROL_SUPERSEDED,
                                          retry, id,
                                          ngx_pimap_device_log(d)));
}


static void
ngx_pimap_supersede_announce(ngx_pimap_device_t *d)
{
    u_char     buf[64 + NGX_PIMAP_DEVICE_MAX];
    ngx_str_t  name, payload;

    ngx_pimap_device_name(d, &name);

    payload.data = buf;
    payload.len = ngx_snprintf(buf, sizeof(buf), "!present %uL %016xL %V",
                               d->since, d->token, &name)
                  - buf;

    d->confirmed = 0;

    /* when Redis is back, each device that is not confirmed is announced */

    if (ngx_pimap_command_publish(&d->account->sub.sn.str, &payload,
                                  ngx_pimap_supersede_announced, NULL)
        == NULL
        && ngx_pimap_command_ready(d->account->sub.slot)
        && !ngx_pimap_supersede_later.timer_set)
    {
        ngx_add_timer(&ngx_pimap_supersede_later, NGX_PIMAP_SUPERSEDE_LATER);
    }
}


/*
 * No device is told apart: the repeat is for all that are not confirmed.  Its
 * delay rises, as a missing right lasts.
 */

static void
ngx_pimap_supersede_announced(void *data, redisReply *reply)
{
    ngx_uint_t  level;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        ngx_pimap_supersede_delay = NGX_PIMAP_SUPERSEDE_LATER;
        return;
    }

    if (ngx_pimap_supersede_later.timer_set) {
        return;
    }

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_ANNOUNCE, NGX_LOG_ERR);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap can't announce parked devices: Redis answers "
                  "PUBLISH with \"%s\"; older requests of a device may stay, "
                  "it is repeated in %M ms",
                  reply->str, ngx_pimap_supersede_delay);

    ngx_add_timer(&ngx_pimap_supersede_later, ngx_pimap_supersede_delay);

    ngx_pimap_supersede_delay = ngx_min(2 * ngx_pimap_supersede_delay,
                                        NGX_PIMAP_SUPERSEDE_MAX);
}


static void
ngx_pimap_supersede_later_handler(ngx_event_t *ev)
{
    ngx_pimap_subscription_each(ngx_pimap_supersede_unconfirmed);
}


void
ngx_pimap_supersede_subscribed(ngx_pimap_account_t *account)
{
    ngx_pimap_device_t  *d;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->name_len) {
            ngx_pimap_supersede_announce(d);
        }
    }
}


void
ngx_pimap_supersede_unconfirmed(ngx_pimap_account_t *account)
{
    ngx_pimap_device_t  *d;

    /* devices of any other account are announced when it is subscribed */

    if (!account->sub.subscribed) {
        return;
    }

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->name_len && !d->confirmed) {
            ngx_pimap_supersede_announce(d);
        }
    }
}


/* "<token> <device>", of an earlier version */

ngx_int_t
ngx_pimap_supersede_message(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    return ngx_pimap_supersede_apply(account, 0, data, data + len);
}


/* "<since> <token> <device>" */

ngx_int_t
ngx_pimap_supersede_present(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    u_char    *last;
    uint64_t   since;

    last = data + len;

    if (ngx_pimap_supersede_number(&data, last, 10, &since) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_pimap_supersede_apply(account, since, data, last);
}


static ngx_int_t
ngx_pimap_supersede_apply(ngx_pimap_account_t *account, uint64_t since,
    u_char *p, u_char *last)
{
    uint64_t             token;
    ngx_str_t            name;
    ngx_pimap_device_t  *d;

    if (ngx_pimap_supersede_number(&p, last, 16, &token) != NGX_OK
        || p == last)
    {
        return NGX_DECLINED;
    }

    name.data = p;
    name.len = last - p;

    (void) ngx_pimap_supersede_now();

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (ngx_pimap_supersede_same(d, &name)) {
            ngx_pimap_supersede_compare(d, since, token);
        }
    }

    return NGX_OK;
}


/* Digits and the space after them. */

static ngx_int_t
ngx_pimap_supersede_number(u_char **pos, u_char *last, ngx_uint_t base,
    uint64_t *number)
{
    u_char     *p;
    uint64_t    n;
    ngx_uint_t  digit;

    n = 0;

    for (p = *pos; p < last && *p != ' '; p++) {
        if (*p >= '0' && *p <= '9') {
            digit = *p - '0';

        } else if (base == 16 && *p >= 'a' && *p <= 'f') {
            digit = *p - 'a' + 10;

        } else {
            return NGX_ERROR;
        }

        if (n > (UINT64_MAX - digit) / base) {
            return NGX_ERROR;
        }

        n = n * base + digit;
    }

    if (p == *pos || p == last) {
        return NGX_ERROR;
    }

    *pos = p + 1;
    *number = n;

    return NGX_OK;
}


/* "since" is 0 for a "!supersede". */

static void
ngx_pimap_supersede_compare(ngx_pimap_device_t *d, uint64_t since,
    uint64_t token)
{
    if (token == d->token) {
        d->confirmed = 1;
        return;
    }

    if (since == 0) {
        if (d->confirmed) {
            ngx_pimap_supersede_end(d);
        }

        return;
    }

    if (ngx_pimap_supersede_newer(d, since, token)) {
        ngx_pimap_supersede_end(d);
        return;
    }

    /* the other worker does not know of this newer request */

    ngx_pimap_supersede_announce(d);
}
