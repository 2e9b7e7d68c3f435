
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the registry of parked devices.  A device that ends leaves the lists
 * in a posted event.
 */


#include "ngx_pimap_device_backlog.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_log_reader.h"


static ngx_pimap_device_t *ngx_pimap_device_at(ngx_pimap_account_t *account,
    ngx_queue_t *q);
static void ngx_pimap_device_schedule(ngx_pimap_device_t *d,
    ngx_uint_t seconds);
static void ngx_pimap_device_due(ngx_queue_t *link);
static ngx_int_t ngx_pimap_device_compress(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message, size_t *len);
static void ngx_pimap_device_closing_handler(ngx_event_t *ev);
static ngx_uint_t ngx_pimap_device_clean(ngx_pimap_device_t *d);
static ngx_int_t ngx_pimap_device_send_last(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message);
static void ngx_pimap_device_free(ngx_pimap_device_t *d);


static ngx_queue_t  ngx_pimap_device_closing;
static ngx_event_t  ngx_pimap_device_event;


void
ngx_pimap_device_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_device_closing);

    ngx_pimap_timer_init(&ngx_pimap_device_event,
                         ngx_pimap_device_closing_handler, cycle->log, 0);

    ngx_pimap_timer_wheel_init_process(cycle, ngx_pimap_device_due);
}


void
ngx_pimap_device_insert(ngx_pimap_device_t *d, ngx_uint_t seconds)
{
    d->number = d->account->number;

    ngx_queue_insert_tail(&d->account->devices, &d->link);
    ngx_pimap_device_schedule(d, seconds);
    ngx_pimap_count(devices[d->kind]);
}


ngx_pimap_device_t *
ngx_pimap_devices(ngx_pimap_account_t *account)
{
    return ngx_pimap_device_at(account, ngx_queue_head(&account->devices));
}


ngx_pimap_device_t *
ngx_pimap_device_next(ngx_pimap_device_t *d)
{
    return ngx_pimap_device_at(d->account, ngx_queue_next(&d->link));
}


static ngx_pimap_device_t *
ngx_pimap_device_at(ngx_pimap_account_t *account, ngx_queue_t *q)
{
    ngx_pimap_device_t  *d;

    for ( /* void */ ;
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (!d->closing) {
            return d;
        }
    }

    return NULL;
}


/*
 * A device without pings has a turn, too.  The end of a login is looked at in
 * each turn, because the clock may be set meanwhile.
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


/*
 * RFC 8620, 7.3: a ping is due when its interval has passed since the last
 * message.  A message does not move the device in the wheel.  A device whose
 * turn comes too early waits for the rest.
 */

static void
ngx_pimap_device_due(ngx_queue_t *link)
{
    uint32_t             idle;
    ngx_pimap_device_t  *d;

    d = ngx_queue_data(link, ngx_pimap_device_t, due);

    if (d->expires && ngx_time() >= (time_t) d->expires) {
        ngx_pimap_device_schedule(d, 1);
        ngx_pimap_device_expire(d, "time");
        return;
    }

    if (d->paused) {
        d->paused = 0;
        d->transport->resume(d->connection);
    }

    idle = ngx_pimap_timer_wheel_now() - d->sent_at;

    if (d->ping && idle < d->ping) {
        ngx_pimap_device_schedule(d, d->ping - idle);
        return;
    }

    ngx_pimap_device_schedule(d, d->ping);

    if (d->ping
        && ngx_pimap_device_send_control(d,
                  ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_PING, 0, NULL,
                                   ngx_pimap_device_log(d),
                                   (ngx_uint_t) d->ping))
           == NGX_OK)
    {
        ngx_pimap_count(pings);
    }
}


void
ngx_pimap_device_pause(ngx_pimap_device_t *d)
{
    if (d->paused || d->closing) {
        return;
    }

    d->paused = 1;

    ngx_pimap_timer_wheel_remove(&d->due);
    ngx_pimap_device_schedule(d, 1);

    ngx_pimap_count(pauses);
    ngx_pimap_device_dbg(d, "paused");
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

    ngx_pimap_device_dbg(d, kind == NGX_PIMAP_HIBERNATED ? "hibernated"
                                                         : "detached");
}


ngx_int_t
ngx_pimap_device_send(ngx_pimap_device_t *d, ngx_pimap_message_t *message)
{
    size_t     len;
    ngx_int_t  rc;

    if (d->stream.coding == NGX_PIMAP_IDENTITY) {
        rc = d->transport->send(d, message);
        len = message->len;

        if (rc == NGX_OK && message->plain_len) {
            ngx_pimap_count_n(compressed_plain_bytes, message->plain_len);
            ngx_pimap_count_n(compressed_bytes, len);
        }

    } else {
        rc = ngx_pimap_device_compress(d, message, &len);
    }

    switch (rc) {

    case NGX_OK:
        d->bytes += len;
        d->sent_at = ngx_pimap_timer_wheel_now();
        ngx_pimap_count_n(sent_bytes, len);
        break;

    case NGX_DONE:
        ngx_pimap_device_end(d, NGX_PIMAP_END_ANSWERED, NULL);
        break;

    case NGX_BUSY:
        ngx_pimap_device_end(d, NGX_PIMAP_END_SLOW, NULL);
        break;

    default: /* NGX_ERROR */
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLIENT, NULL);
    }

    return rc;
}


/* A message that was not sent is not part of the stream. */

static ngx_int_t
ngx_pimap_device_compress(ngx_pimap_device_t *d, ngx_pimap_message_t *message,
    size_t *len)
{
    ngx_int_t             rc;
    ngx_pimap_message_t  *compressed;

    compressed = ngx_pimap_compressed_stream_compress(&d->stream, message,
                                                      ngx_pimap_device_log(d));
    if (compressed == NULL) {
        return NGX_ERROR;
    }

    rc = d->transport->send(d, compressed);

    if (rc == NGX_OK) {
        ngx_pimap_compressed_stream_add(&d->stream, message);
        ngx_pimap_count_n(compressed_bytes, compressed->len);
    }

    *len = compressed->len;

    ngx_pimap_message_unref(compressed);

    return rc;
}


ngx_int_t
ngx_pimap_device_send_control(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message)
{
    ngx_int_t  rc;

    if (message == NULL) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return NGX_ERROR;
    }

    rc = d->closing ? NGX_ERROR : ngx_pimap_device_send(d, message);

    ngx_pimap_message_unref(message);

    return rc;
}


void
ngx_pimap_device_end(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *last)
{
    if (last && ngx_pimap_device_send_control(d, last) != NGX_OK) {
        return;
    }

    if (d->closing) {
        return;
    }

    d->closing = 1;
    d->reason = reason;

    ngx_pimap_device_dbg(d, "closing");

    ngx_pimap_timer_wheel_remove(&d->due);
    ngx_queue_insert_tail(&ngx_pimap_device_closing, &d->due);

    ngx_post_event(&ngx_pimap_device_event, &ngx_posted_events);
}


void
ngx_pimap_device_close(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *last)
{
    if (ngx_pimap_device_send_control(d, last) == NGX_OK) {
        d->closed = 1;
        ngx_pimap_device_end(d, reason, NULL);
    }
}


void
ngx_pimap_device_expire(ngx_pimap_device_t *d, const char *reason)
{
    ngx_pimap_device_end(d, NGX_PIMAP_END_EXPIRED,
                         ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_EXPIRED,
                                          d->conf->retry, NULL,
                                          ngx_pimap_device_log(d), reason));
}


static void
ngx_pimap_device_closing_handler(ngx_event_t *ev)
{
    void                         *connection;
    ngx_uint_t                    clean;
    ngx_queue_t                  *q;
    ngx_pimap_device_t           *d;
    const ngx_pimap_transport_t  *transport;

    while (!ngx_queue_empty(&ngx_pimap_device_closing)) {
        q = ngx_queue_head(&ngx_pimap_device_closing);
        d = ngx_queue_data(q, ngx_pimap_device_t, due);

        transport = d->transport;
        connection = d->connection;

        clean = ngx_pimap_device_clean(d);

        ngx_pimap_device_leave(d, d->reason);

        transport->end(connection, clean);
    }
}


/*
 * True if the response ends in good order.  Its format's last message and the
 * end of the compressed stream are sent then.
 */

static ngx_uint_t
ngx_pimap_device_clean(ngx_pimap_device_t *d)
{
    ngx_log_t                  *log;
    const ngx_pimap_encoder_t  *encoder;

    log = ngx_pimap_device_log(d);
    encoder = ngx_pimap_encoders[d->format];

    if (!d->closed) {

        if (d->reason != NGX_PIMAP_END_CLOSEAFTER
            && d->reason != NGX_PIMAP_END_ANSWERED
            && d->reason != NGX_PIMAP_END_SUPERSEDED
            && d->reason != NGX_PIMAP_END_DRAIN
            && d->reason != NGX_PIMAP_END_EXPIRED
            && d->reason != NGX_PIMAP_END_OPERATOR)
        {
            return 0;
        }

        if (encoder->last
            && ngx_pimap_device_send_last(d, encoder->last(d->reason, log))
               != NGX_OK)
        {
            return 0;
        }
    }

    return d->stream.coding == NGX_PIMAP_IDENTITY
           || ngx_pimap_device_send_last(d,
                           ngx_pimap_compressed_stream_end(&d->stream, log))
              == NGX_OK;
}


static ngx_int_t
ngx_pimap_device_send_last(ngx_pimap_device_t *d, ngx_pimap_message_t *message)
{
    ngx_int_t  rc;

    if (message == NULL) {
        return NGX_ERROR;
    }

    rc = d->transport->send(d, message);

    ngx_pimap_message_unref(message);

    return rc;
}


void
ngx_pimap_device_leave(ngx_pimap_device_t *d, ngx_pimap_end_t reason)
{
    if (d->closing) {
        reason = d->reason;
    }

    ngx_pimap_device_dbg(d, "end");
    ngx_pimap_device_log_end(d, reason, ngx_pimap_device_now());
    ngx_pimap_count(ends[reason]);

    ngx_pimap_device_free(d);
}


void
ngx_pimap_device_handed_over(ngx_pimap_device_t *d)
{
    ngx_pimap_device_dbg(d, "handed over");

    ngx_pimap_device_free(d);
}


static void
ngx_pimap_device_free(ngx_pimap_device_t *d)
{
    ngx_str_t             name;
    ngx_pimap_account_t  *account;

    account = d->account;

    if (d->closing) {
        ngx_queue_remove(&d->due);

    } else {
        ngx_pimap_timer_wheel_remove(&d->due);
    }

    if (account->backlog && account->backlog->next == &d->link) {
        account->backlog->next = ngx_queue_next(&d->link);
    }

    ngx_queue_remove(&d->link);
    ngx_pimap_log_reader_forget(&d->reader);

    ngx_pimap_uncount(devices[d->kind]);
    ngx_pimap_device_name(d, &name);
    ngx_pimap_limit_release(&account->sub.sn.str, &name, d->address,
                            d->counted);

    ngx_pimap_partial_message_free(d);

    if (d->filter) {
        ngx_pimap_heap_record_free(d->filter);
    }

    ngx_pimap_compressed_stream_free(&d->stream);
    ngx_pimap_heap_record_free(d);
    ngx_pimap_heap_trim_later();

    ngx_pimap_account_put(account);
}


void
ngx_pimap_partial_message_free(ngx_pimap_device_t *d)
{
    if (d->partial) {
        ngx_pimap_buffer_free(&d->partial->data);
        ngx_pimap_buffer_free(&d->partial->rest);
        ngx_free(d->partial);
        d->partial = NULL;
    }
}


/* nginx's own time has milliseconds, and stands still within a turn. */

uint64_t
ngx_pimap_device_now(void)
{
    struct timeval  tv;

    ngx_gettimeofday(&tv);

    return (uint64_t) tv.tv_sec * 1000000 + tv.tv_usec;
}
