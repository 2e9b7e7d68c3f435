
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns admission: a request becomes a device, and a device is told to come
 * back.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_updates.h"


static ngx_pimap_device_t *ngx_pimap_park_device(
    ngx_pimap_park_request_t *request, ngx_log_t *log);
static void ngx_pimap_park_carried(ngx_pimap_device_t *d,
    ngx_pimap_carried_t *carried);


ngx_pimap_device_t *
ngx_pimap_park(ngx_pimap_park_request_t *request,
    const ngx_pimap_transport_t *transport, void *connection, ngx_log_t *log)
{
    uint32_t              idle;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    d = ngx_pimap_park_device(request, log);
    if (d == NULL) {
        return NULL;
    }

    account = ngx_pimap_account_get(&request->account, log);
    if (account == NULL) {
        ngx_pimap_heap_record_free(d);
        return NULL;
    }

    ngx_pimap_coalesce_flush(account);

    d->account = account;
    d->conf = request->conf;

    if ((request->length
         && ngx_pimap_input_length(d, request->length) != NGX_OK)
        || ngx_pimap_cursor_start(d, &request->start, log) != NGX_OK)
    {
        ngx_pimap_partial_message_free(d);
        ngx_pimap_account_put(account);
        ngx_pimap_heap_record_free(d);
        return NULL;
    }

    d->filter = request->filter;
    d->transport = transport;
    d->connection = connection;
    d->kind = request->kind;
    d->format = request->format;
    d->input = request->input;
    ngx_pimap_compressed_stream_init(&d->stream, request->coding,
                                     !request->conf->compress_dictionary);
    ngx_memcpy(d->address, request->address, sizeof(d->address));
    d->ping = (uint16_t) request->ping;
    d->closeafter = request->closeafter;
    d->counted = request->counted & 7;
    d->issued = request->issued;
    d->revocable = (request->revocable != 0);
    d->expires = request->expires;
    d->since = request->since;
    d->sent_at = ngx_pimap_timer_wheel_now();

    if (request->carried.token) {
        ngx_pimap_park_carried(d, &request->carried);
        ngx_pimap_count(handover_received);

    } else {
        d->token = ngx_pimap_supersede_token();
        ngx_pimap_count(connects);
    }

    idle = request->carried.idle;

    ngx_pimap_device_insert(d, d->ping > idle ? d->ping - idle
                                              : ngx_min(d->ping, 1));

    if (request->unproven) {
        ngx_pimap_account_unproven(account, 1);
    }

    /* a login that is older than this moment may have been revoked */

    if (request->carried.token || d->revocable) {
        ngx_pimap_revoke_check(account);
    }

    /* a device of another worker has no connection yet */

    if (request->carried.token == 0) {
        ngx_pimap_device_dbg(d, "parked");
        ngx_pimap_supersede(d);
    }

    return d;
}


/* The device's name and the updates that it may send are part of it. */

static ngx_pimap_device_t *
ngx_pimap_park_device(ngx_pimap_park_request_t *request, ngx_log_t *log)
{
    size_t               size;
    ngx_uint_t           limited;
    ngx_pimap_device_t  *d;

    limited = !ngx_pimap_is(&request->updates, "*");

    size = offsetof(ngx_pimap_device_t, name) + request->device.len;

    if (limited) {
        size += request->updates.len + 1;
    }

    d = ngx_pimap_heap_record(size, log);
    if (d == NULL) {
        return NULL;
    }

    d->name_len = (uint16_t) request->device.len;
    d->limited = limited;

    if (d->name_len) {
        ngx_memcpy(d->name, request->device.data, request->device.len);
    }

    if (limited && request->updates.len) {
        ngx_memcpy(d->name + d->name_len, request->updates.data,
                   request->updates.len);
    }

    return d;
}


/* The device was announced by the worker that had it before. */

static void
ngx_pimap_park_carried(ngx_pimap_device_t *d, ngx_pimap_carried_t *carried)
{
    d->token = carried->token;
    d->bytes = carried->bytes;
    d->events = carried->events;
    d->sent_at -= carried->idle;
    d->confirmed = carried->confirmed;

    if (d->stream.coding != NGX_PIMAP_IDENTITY) {
        ngx_pimap_compressed_stream_resume(&d->stream, carried->check,
                                           carried->length);
    }
}


void
ngx_pimap_unpark(ngx_pimap_device_t *d)
{
    ngx_pimap_coalesce_flush(d->account);
    ngx_pimap_backlog_catch_up(d);

    ngx_pimap_device_end(d, NGX_PIMAP_END_DRAIN,
                         ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_RETRY,
                                          d->conf->retry, NULL,
                                          ngx_pimap_device_log(d)));
}
