
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis orders the messages of a channel, so all workers agree on the newest
 * request.  Until the "!supersede" of a device comes back, the device is newer
 * than each device that another "!supersede" names.  After a loss of messages
 * the order is unknown.  Then "!present" compares the times of parking.
 */


#include "ngx_pimap_device_room.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_encode.h"

#include <openssl/rand.h>


#define NGX_PIMAP_SUPERSEDE_FRESH  2000000  /* usec: parked just now */


static ngx_uint_t ngx_pimap_supersede_same(ngx_pimap_device_t *d,
    ngx_str_t *name);
static void ngx_pimap_supersede_end(ngx_pimap_device_t *d);
static void ngx_pimap_supersede_announce(ngx_pimap_device_t *d,
    ngx_uint_t fresh);
static void ngx_pimap_supersede_unconfirmed(ngx_pimap_account_t *account);
static ngx_int_t ngx_pimap_supersede_apply(ngx_pimap_account_t *account,
    uint64_t since, u_char *p, u_char *last);
static ngx_int_t ngx_pimap_supersede_number(u_char **pos, u_char *last,
    ngx_uint_t base, uint64_t *number);
static void ngx_pimap_supersede_compare(ngx_pimap_device_t *d,
    uint64_t since, uint64_t token);


static uint64_t  ngx_pimap_supersede_token;


ngx_int_t
ngx_pimap_supersede_init_process(ngx_cycle_t *cycle)
{
    if (RAND_bytes((u_char *) &ngx_pimap_supersede_token, sizeof(uint64_t))
        != 1)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "pimap can't start: RAND_bytes() gave no random "
                      "numbers");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_pimap_supersede(ngx_pimap_device_t *d)
{
    ngx_str_t            name;
    ngx_pimap_device_t  *older;

    d->token = ngx_pimap_supersede_token++;

    if (d->name_len == 0) {
        return;
    }

    ngx_pimap_device_name(d, &name);

    for (older = ngx_pimap_devices(d->account);
         older;
         older = ngx_pimap_device_next(older))
    {
        if (ngx_pimap_supersede_same(older, &name)) {
            ngx_pimap_supersede_end(older);
        }
    }

    if (d->account->sub.subscribed) {
        ngx_pimap_supersede_announce(d, 1);

    } else if (!ngx_pimap_subscriber_listening()) {

        /* without a subscriber only the times of parking tell an order */

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
    ngx_pimap_device_dbg(d, "superseded");

    ngx_pimap_device_end(d, NGX_PIMAP_END_SUPERSEDED,
                         ngx_pimap_encode(d->format,
                                          NGX_PIMAP_CONTROL_SUPERSEDED,
                                          d->conf->retry, NULL,
                                          ngx_pimap_device_log(d)));
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

    if (ngx_pimap_command_publish(&d->account->sub.sn.str, &payload,
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
    ngx_pimap_device_t  *d;

    now = ngx_pimap_device_now();

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->name_len) {
            fresh = !d->announced
                    && now - d->since < NGX_PIMAP_SUPERSEDE_FRESH;

            ngx_pimap_supersede_announce(d, fresh);
        }
    }
}


void
ngx_pimap_supersede_reachable(void)
{
    ngx_pimap_subscription_each(ngx_pimap_supersede_unconfirmed);
}


static void
ngx_pimap_supersede_unconfirmed(ngx_pimap_account_t *account)
{
    ngx_pimap_device_t  *d;

    /* devices of any other account are announced when it is subscribed */

    if (!account->sub.subscribed) {
        return;
    }

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->name_len && !d->confirmed) {
            ngx_pimap_supersede_announce(d, 0);
        }
    }
}


/* "<token> <device>" */

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

    if (since > d->since || (since == d->since && token > d->token)) {
        ngx_pimap_supersede_end(d);
        return;
    }

    /* the other worker does not know of this newer request */

    ngx_pimap_supersede_announce(d, 0);
}
