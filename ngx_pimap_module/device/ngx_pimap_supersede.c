
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis orders the messages of a channel, so all workers agree on who came
 * last: a device whose own "!supersede" has not come back yet is newer than
 * any other that comes before it.  After a loss of messages the order is
 * unknown; then "!present" compares when the requests were parked.
 */


#include "ngx_pimap_supersede.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_subscriber.h"

#include <openssl/rand.h>


#define NGX_PIMAP_SUPERSEDE_FRESH  2000000  /* usec: parked just now */


typedef struct {
    uint64_t    since;                      /* 0: "!supersede" */
    uint64_t    token;
    ngx_str_t   device;
} ngx_pimap_supersede_msg_t;


static ngx_uint_t ngx_pimap_supersede_same(ngx_pimap_device_t *d,
    ngx_str_t *name);
static void ngx_pimap_supersede_end(ngx_pimap_device_t *d);
static void ngx_pimap_supersede_announce(ngx_pimap_device_t *d,
    ngx_uint_t fresh);
static void ngx_pimap_supersede_unconfirmed(ngx_pimap_account_t *account);
static ngx_int_t ngx_pimap_supersede_parse(ngx_pimap_supersede_msg_t *msg,
    u_char *data, size_t len);
static ngx_int_t ngx_pimap_supersede_number(u_char **pos, u_char *last,
    ngx_uint_t base, uint64_t *number);
static void ngx_pimap_supersede_compare(ngx_pimap_device_t *d,
    ngx_pimap_supersede_msg_t *msg);


static uint64_t  ngx_pimap_supersede_token;


ngx_int_t
ngx_pimap_supersede_init_process(ngx_cycle_t *cycle)
{
    if (RAND_bytes((u_char *) &ngx_pimap_supersede_token, sizeof(uint64_t))
        != 1)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "pimap has no random numbers");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_pimap_supersede(ngx_pimap_device_t *d)
{
    ngx_str_t            name;
    ngx_queue_t         *q;
    ngx_pimap_device_t  *older;

    d->token = ngx_pimap_supersede_token++;

    if (d->name_len == 0) {
        return;
    }

    ngx_pimap_device_name(d, &name);

    for (q = ngx_queue_head(&d->account->devices);
         q != ngx_queue_sentinel(&d->account->devices);
         q = ngx_queue_next(q))
    {
        older = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (ngx_pimap_supersede_same(older, &name)) {
            ngx_pimap_supersede_end(older);
        }
    }

    if (d->account->subscribed) {
        ngx_pimap_supersede_announce(d, 1);

    } else if (!ngx_pimap_subscriber_listening()) {

        /* the order of subscriptions says nothing then, but times do */

        d->announced = 1;
    }
}


static ngx_uint_t
ngx_pimap_supersede_same(ngx_pimap_device_t *d, ngx_str_t *name)
{
    return d->name_len && d->name_len == name->len
           && ngx_memcmp(d->name, name->data, name->len) == 0;
}


static void
ngx_pimap_supersede_end(ngx_pimap_device_t *d)
{
    ngx_pimap_message_t  *text;

    if (d->doomed) {
        return;
    }

    text = ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_SUPERSEDED,
                            d->conf->retry, NULL,
                            d->transport->log(d->connection));

    ngx_pimap_device_end(d, NGX_PIMAP_END_SUPERSEDED, text);

    if (text) {
        ngx_pimap_message_unref(text);
    }
}


static void
ngx_pimap_supersede_announce(ngx_pimap_device_t *d, ngx_uint_t fresh)
{
    u_char     *p, buf[64 + NGX_PIMAP_DEVICE_MAX];
    ngx_str_t   name, payload;

    ngx_pimap_device_name(d, &name);

    if (fresh) {
        p = ngx_snprintf(buf, sizeof(buf), "!supersede %016xL %V",
                         d->token, &name);
    } else {
        p = ngx_snprintf(buf, sizeof(buf), "!present %uL %016xL %V",
                         d->since, d->token, &name);
    }

    payload.data = buf;
    payload.len = p - buf;

    if (ngx_pimap_command_publish_account(&d->account->sn.str, &payload,
                                            NULL, NULL))
    {
        d->announced = 1;
    }
}


void
ngx_pimap_supersede_subscribed(ngx_pimap_account_t *account)
{
    uint64_t             now;
    ngx_uint_t           fresh;
    ngx_queue_t         *q;
    ngx_pimap_device_t  *d;

    now = ngx_pimap_device_now();

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->name_len == 0 || d->doomed) {
            continue;
        }

        fresh = !d->announced && now - d->since < NGX_PIMAP_SUPERSEDE_FRESH;

        ngx_pimap_supersede_announce(d, fresh);
    }
}


void
ngx_pimap_supersede_reachable(void)
{
    ngx_pimap_subscriber_each(ngx_pimap_supersede_unconfirmed);
}


static void
ngx_pimap_supersede_unconfirmed(ngx_pimap_account_t *account)
{
    ngx_queue_t         *q;
    ngx_pimap_device_t  *d;

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->name_len && !d->doomed && !d->confirmed) {
            ngx_pimap_supersede_announce(d, 0);
        }
    }
}


ngx_int_t
ngx_pimap_supersede_message(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    ngx_queue_t                *q;
    ngx_pimap_device_t         *d;
    ngx_pimap_supersede_msg_t   msg;

    if (ngx_pimap_supersede_parse(&msg, data, len) != NGX_OK) {
        return NGX_DECLINED;
    }

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (!d->doomed && ngx_pimap_supersede_same(d, &msg.device)) {
            ngx_pimap_supersede_compare(d, &msg);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_supersede_parse(ngx_pimap_supersede_msg_t *msg, u_char *data,
    size_t len)
{
    u_char  *p, *last;

    p = data;
    last = data + len;
    msg->since = 0;

    if (len > 9 && ngx_strncmp(p, "!present ", 9) == 0) {
        p += 9;

        if (ngx_pimap_supersede_number(&p, last, 10, &msg->since) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (len > 11 && ngx_strncmp(p, "!supersede ", 11) == 0) {
        p += 11;

    } else {
        return NGX_DECLINED;
    }

    if (ngx_pimap_supersede_number(&p, last, 16, &msg->token) != NGX_OK) {
        return NGX_ERROR;
    }

    msg->device.data = p;
    msg->device.len = last - p;

    return msg->device.len ? NGX_OK : NGX_ERROR;
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


static void
ngx_pimap_supersede_compare(ngx_pimap_device_t *d,
    ngx_pimap_supersede_msg_t *msg)
{
    if (msg->token == d->token) {
        d->confirmed = 1;
        return;
    }

    if (msg->since == 0) {
        if (d->confirmed) {
            ngx_pimap_supersede_end(d);
        }

        return;
    }

    if (msg->since > d->since
        || (msg->since == d->since && msg->token > d->token))
    {
        ngx_pimap_supersede_end(d);
        return;
    }

    /* the other one is older, and does not know of this one */

    ngx_pimap_supersede_announce(d, 0);
}
