
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Devices come, get their pings, and leave.  A device that is to end is
 * "doomed": it gets nothing any more and is ended from a posted event, so
 * that nobody who walks over devices finds one gone under his feet.
 */


#include "ngx_pimap_device.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_coalesce.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_input.h"
#include "ngx_pimap_limit.h"
#include "ngx_pimap_gap.h"
#include "ngx_pimap_revoke.h"
#include "ngx_pimap_supersede.h"
#include "ngx_pimap_timer_wheel.h"


static void ngx_pimap_park_remember(ngx_pimap_device_t *d,
    ngx_pimap_past_t *past);
static void ngx_pimap_device_schedule(ngx_pimap_device_t *d,
    ngx_uint_t seconds);
static ngx_int_t ngx_pimap_device_pack(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text, size_t *len);
static ngx_int_t ngx_pimap_device_last(ngx_pimap_device_t *d);
static void ngx_pimap_device_free(ngx_pimap_device_t *d);
static void ngx_pimap_device_doomed_handler(ngx_event_t *ev);
static ngx_uint_t ngx_pimap_device_clean(ngx_pimap_device_t *d);
static void ngx_pimap_device_log(ngx_pimap_device_t *d,
    ngx_pimap_end_t reason);
static void ngx_pimap_device_quote(ngx_str_t *to, u_char *buf,
    ngx_str_t *name);
static ngx_queue_t       ngx_pimap_device_doomed;
static ngx_event_t       ngx_pimap_device_event;

static const char  *ngx_pimap_device_reasons[NGX_PIMAP_NENDS] = {
    "client", "closeafter", "answered", "superseded", "slow", "timeout",
    "drain", "expired", "error"
};

static const char  *ngx_pimap_device_kinds[NGX_PIMAP_NKINDS] = {
    "held-h1", "held-h1-tls", "held-h2", "held-h2-tls",
    "detached", "detached-tls", "hibernated",
    "poll-h1", "poll-h1-tls", "poll-h2", "poll-h2-tls"
};


ngx_int_t
ngx_pimap_device_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_device_doomed);

    ngx_pimap_timer_init(&ngx_pimap_device_event,
                         ngx_pimap_device_doomed_handler, cycle->log, 0);

    return NGX_OK;
}


ngx_pimap_device_t *
ngx_pimap_park(ngx_pimap_parking_t *parking,
    const ngx_pimap_transport_t *transport, void *connection, ngx_log_t *log)
{
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    d = ngx_calloc(offsetof(ngx_pimap_device_t, name) + parking->device.len,
                   log);
    if (d == NULL) {
        return NULL;
    }

    account = ngx_pimap_account_get(&parking->account, log);
    if (account == NULL) {
        ngx_free(d);
        return NULL;
    }

    ngx_pimap_coalesce_flush(account);

    d->account = account;
    d->conf = parking->conf;

    if (ngx_pimap_gap_device(d, &parking->start, log) != NGX_OK) {
        ngx_pimap_account_put(account);
        ngx_free(d);
        return NULL;
    }

    d->filter = parking->filter;
    d->transport = transport;
    d->connection = connection;
    d->kind = parking->kind;
    d->format = parking->format;
    d->input = parking->input;
    ngx_pimap_compressed_stream_init(&d->stream, parking->coding,
                           !parking->conf->compress_dictionary);
    ngx_memcpy(d->address, parking->address, sizeof(d->address));
    d->ping = (uint16_t) parking->ping;
    d->closeafter = parking->closeafter;
    d->issued = parking->issued;
    d->revocable = (parking->revocable != 0);
    d->expires = parking->expires;
    d->since = ngx_pimap_device_now();
    d->sent_at = ngx_pimap_timer_wheel_now();
    d->name_len = (uint16_t) parking->device.len;
    ngx_memcpy(d->name, parking->device.data, parking->device.len);

    if (parking->past.token) {
        ngx_pimap_park_remember(d, &parking->past);
        ngx_pimap_count(handover_received);

    } else {
        ngx_pimap_supersede(d);
        ngx_pimap_count(connects);
    }

    ngx_queue_insert_tail(&account->devices, &d->link);
    ngx_pimap_device_schedule(d, d->ping > parking->past.idle
                               ? d->ping - parking->past.idle
                               : ngx_min(d->ping, 1));
    ngx_pimap_count(devices[d->kind]);

    /* one that is older than this moment may have been revoked before it */

    if (account->subscribed && (parking->past.token || parking->revocable)) {
        ngx_pimap_revoke_check(account);
    }

    return d;
}


/* It has had its turn with those who know its name. */

static void
ngx_pimap_park_remember(ngx_pimap_device_t *d, ngx_pimap_past_t *past)
{
    d->token = past->token;
    d->since = past->since;
    d->bytes = past->bytes;
    d->events = past->events;
    d->sent_at -= past->idle;
    d->confirmed = past->confirmed;
    d->announced = 1;

    if (d->stream.coding != NGX_PIMAP_IDENTITY) {
        ngx_pimap_compressed_stream_resume(&d->stream, past->check,
                                           past->length);
    }
}


/*
 * One without pings has its turn now and then, for nothing; the clock may be
 * set meanwhile, so the end of a login is looked at in the same turns.
 */

static void
ngx_pimap_device_schedule(ngx_pimap_device_t *d, ngx_uint_t seconds)
{
    time_t  left;

    if (seconds == 0 || seconds > NGX_PIMAP_TIMER_WHEEL_MAX) {
        seconds = NGX_PIMAP_TIMER_WHEEL_MAX;
    }

    if (d->expires) {
        left = ngx_max((time_t) d->expires - ngx_time(), 1);
        seconds = (ngx_uint_t) ngx_min((time_t) seconds, left);
    }

    ngx_pimap_timer_wheel_add(&d->due, seconds);
}


void
ngx_pimap_device_move(ngx_pimap_device_t *d, ngx_pimap_kind_t kind,
    const ngx_pimap_transport_t *transport, void *connection)
{
    ngx_pimap_uncount(devices[d->kind]);

    d->kind = kind;
    d->transport = transport;
    d->connection = connection;

    ngx_pimap_count(devices[kind]);
}


ngx_int_t
ngx_pimap_device_send(ngx_pimap_device_t *d, ngx_pimap_message_t *text)
{
    size_t     len;
    ngx_int_t  rc;

    if (d->stream.coding == NGX_PIMAP_IDENTITY) {
        rc = d->transport->send(d, text);
        len = text->len;

        if (rc == NGX_OK && text->plain_len) {
            ngx_pimap_count_n(compressed_plain_bytes, text->plain_len);
            ngx_pimap_count_n(compressed_bytes, len);
        }

    } else {
        rc = ngx_pimap_device_pack(d, text, &len);
    }

    if (rc == NGX_OK) {
        d->bytes += len;
        d->sent_at = ngx_pimap_timer_wheel_now();
        ngx_pimap_count_n(sent_bytes, len);
        return NGX_OK;
    }

    if (rc == NGX_DONE) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ANSWERED, NULL);
        return rc;
    }

    ngx_pimap_device_end(d, rc == NGX_BUSY ? NGX_PIMAP_END_SLOW
                                         : NGX_PIMAP_END_CLIENT, NULL);
    return rc;
}


/* What is not taken is not part of the stream. */

static ngx_int_t
ngx_pimap_device_pack(ngx_pimap_device_t *d, ngx_pimap_message_t *text,
    size_t *len)
{
    ngx_int_t          rc;
    ngx_pimap_message_t  *packed;

    packed = ngx_pimap_compressed_stream_compress(&d->stream, text,
                                    d->transport->log(d->connection));
    if (packed == NULL) {
        return NGX_ERROR;
    }

    rc = d->transport->send(d, packed);

    if (rc == NGX_OK) {
        ngx_pimap_compressed_stream_add(&d->stream, text);
        ngx_pimap_count_n(compressed_bytes, packed->len);
    }

    *len = packed->len;

    ngx_pimap_message_unref(packed);

    return rc;
}


void
ngx_pimap_device_end(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *text)
{
    if (d->doomed) {
        return;
    }

    if (text && ngx_pimap_device_send(d, text) != NGX_OK) {
        return;
    }

    d->doomed = 1;
    d->reason = reason;

    ngx_pimap_timer_wheel_remove(&d->due);
    ngx_queue_insert_tail(&ngx_pimap_device_doomed, &d->due);

    ngx_post_event(&ngx_pimap_device_event, &ngx_posted_events);
}


void
ngx_pimap_device_close(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *text)
{
    if (text == NULL) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return;
    }

    if (!d->doomed && ngx_pimap_device_send(d, text) == NGX_OK) {
        d->closed = 1;
        ngx_pimap_device_end(d, reason, NULL);
    }

    ngx_pimap_message_unref(text);
}


static void
ngx_pimap_device_doomed_handler(ngx_event_t *ev)
{
    void                         *connection;
    ngx_uint_t                    clean;
    ngx_queue_t                  *q;
    ngx_pimap_device_t           *d;
    const ngx_pimap_transport_t  *transport;

    while (!ngx_queue_empty(&ngx_pimap_device_doomed)) {
        q = ngx_queue_head(&ngx_pimap_device_doomed);
        d = ngx_queue_data(q, ngx_pimap_device_t, due);

        transport = d->transport;
        connection = d->connection;

        clean = ngx_pimap_device_clean(d) && ngx_pimap_device_last(d) == NGX_OK;

        ngx_pimap_device_leave(d, d->reason);

        transport->end(connection, clean);
    }
}


/* An orderly end of what is compressed. */

static ngx_int_t
ngx_pimap_device_last(ngx_pimap_device_t *d)
{
    ngx_int_t          rc;
    ngx_pimap_message_t  *text;

    if (d->stream.coding == NGX_PIMAP_IDENTITY) {
        return NGX_OK;
    }

    text = ngx_pimap_compressed_stream_end(&d->stream,
                                 d->transport->log(d->connection));
    if (text == NULL) {
        return NGX_ERROR;
    }

    rc = d->transport->send(d, text);

    ngx_pimap_message_unref(text);

    return rc;
}


/* Whether it ends in good order; then it says what its format says last. */

static ngx_uint_t
ngx_pimap_device_clean(ngx_pimap_device_t *d)
{
    ngx_int_t                   rc;
    ngx_pimap_message_t           *text;
    const ngx_pimap_encoder_t  *encoder;

    if (d->closed) {
        return 1;
    }

    if (d->reason != NGX_PIMAP_END_CLOSEAFTER
        && d->reason != NGX_PIMAP_END_ANSWERED
        && d->reason != NGX_PIMAP_END_SUPERSEDED
        && d->reason != NGX_PIMAP_END_DRAIN
        && d->reason != NGX_PIMAP_END_EXPIRED)
    {
        return 0;
    }

    encoder = ngx_pimap_encoders[d->format];

    if (encoder->last == NULL) {
        return 1;
    }

    text = encoder->last(d->reason, d->transport->log(d->connection));
    if (text == NULL) {
        return 0;
    }

    rc = d->transport->send(d, text);

    ngx_pimap_message_unref(text);

    return rc == NGX_OK;
}


void
ngx_pimap_device_expire(ngx_pimap_device_t *d, const char *reason)
{
    ngx_pimap_message_t  *text;

    if (d->doomed) {
        return;
    }

    text = ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_EXPIRED,
                            d->conf->retry, NULL,
                            d->transport->log(d->connection), reason);

    ngx_pimap_device_end(d, NGX_PIMAP_END_EXPIRED, text);

    if (text) {
        ngx_pimap_message_unref(text);
    }
}


void
ngx_pimap_device_leave(ngx_pimap_device_t *d, ngx_pimap_end_t reason)
{
    if (d->doomed) {
        reason = d->reason;
    }

    ngx_pimap_device_log(d, reason);
    ngx_pimap_count(ends[reason]);

    ngx_pimap_device_free(d);
}


void
ngx_pimap_device_give(ngx_pimap_device_t *d)
{
    ngx_pimap_count(handover_sent);

    ngx_pimap_device_free(d);
}


static void
ngx_pimap_device_free(ngx_pimap_device_t *d)
{
    ngx_str_t             name;
    ngx_pimap_account_t  *account;

    account = d->account;

    if (d->doomed) {
        ngx_queue_remove(&d->due);

    } else {
        ngx_pimap_timer_wheel_remove(&d->due);
    }

    ngx_queue_remove(&d->link);
    ngx_pimap_gap_forget(&d->reader);

    ngx_pimap_uncount(devices[d->kind]);
    ngx_pimap_device_name(d, &name);
    ngx_pimap_limit_release(&account->sn.str, &name, d->address);

    ngx_pimap_input_free(d);

    if (d->filter) {
        ngx_free(d->filter);
    }

    ngx_pimap_compressed_stream_free(&d->stream);
    ngx_free(d);

    ngx_pimap_account_put(account);
}


/* One line a parked response, key="value", for the operator's tools. */

static void
ngx_pimap_device_log(ngx_pimap_device_t *d, ngx_pimap_end_t reason)
{
    u_char      text[NGX_INET6_ADDRSTRLEN];
    u_char      names[2][4 * NGX_PIMAP_DEVICE_MAX];
    uint64_t    msec;
    ngx_str_t   name, account, device, client;
    ngx_uint_t  level;

    level = reason == NGX_PIMAP_END_SLOW ? NGX_LOG_WARN : NGX_LOG_INFO;
    msec = (ngx_pimap_device_now() - d->since) / 1000;

    ngx_pimap_device_name(d, &name);

    ngx_pimap_device_quote(&account, names[0], &d->account->sn.str);
    ngx_pimap_device_quote(&device, names[1], &name);

    client.data = text;
    client.len = ngx_pimap_limit_address_text(d->address, text);

    ngx_log_error(level, d->transport->log(d->connection), 0,
                  "pimap ended: reason=\"%s\" account=\"%V\" device=\"%V\" "
                  "client=\"%V\" transport=\"%s\" seconds=\"%uL.%03uL\" "
                  "events=\"%uD\" bytes=\"%uL\"",
                  ngx_pimap_device_reasons[reason], &account, &device,
                  &client, ngx_pimap_device_kinds[d->kind],
                  msec / 1000, msec % 1000, d->events, d->bytes);
}


/* As nginx does it in its access log; control characters are in no name. */

static void
ngx_pimap_device_quote(ngx_str_t *to, u_char *buf, ngx_str_t *name)
{
    size_t   i;
    u_char  *p;

    p = buf;

    for (i = 0; i < name->len; i++) {
        if (name->data[i] == '"') {
            p = ngx_cpymem(p, "\\x22", 4);

        } else if (name->data[i] == '\\') {
            p = ngx_cpymem(p, "\\x5C", 4);

        } else {
            *p++ = name->data[i];
        }
    }

    to->data = buf;
    to->len = p - buf;
}


/*
 * RFC 8620, 7.3: a ping is due when so much time has passed since the last
 * event.  An event does not move the device in the wheel: when its turn
 * comes, it may have to wait for the rest.
 */

void
ngx_pimap_device_due(ngx_queue_t *link)
{
    uint32_t             idle;
    ngx_pimap_message_t    *text;
    ngx_pimap_device_t  *d;

    d = ngx_queue_data(link, ngx_pimap_device_t, due);

    if (d->expires && ngx_time() >= (time_t) d->expires) {
        ngx_pimap_device_schedule(d, 1);
        ngx_pimap_device_expire(d, "time");
        return;
    }

    idle = ngx_pimap_timer_wheel_now() - d->sent_at;

    if (d->ping && idle < d->ping) {
        ngx_pimap_device_schedule(d, d->ping - idle);
        return;
    }

    ngx_pimap_device_schedule(d, d->ping);

    if (d->ping == 0) {
        return;
    }

    text = ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_PING, 0, NULL,
                            d->transport->log(d->connection),
                            (ngx_uint_t) d->ping);

    if (text == NULL) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return;
    }

    if (ngx_pimap_device_send(d, text) == NGX_OK) {
        ngx_pimap_count(pings);
    }

    ngx_pimap_message_unref(text);
}


/* nginx' own time stands still within a turn, and is too coarse. */

uint64_t
ngx_pimap_device_now(void)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    return (uint64_t) tv.tv_sec * 1000000 + tv.tv_usec;
}
