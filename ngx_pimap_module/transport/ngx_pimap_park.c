
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


static void ngx_pimap_park_carried(ngx_pimap_device_t *d,
    ngx_pimap_carried_t *carried);


ngx_pimap_device_t *
ngx_pimap_park(ngx_pimap_park_request_t *request,
    const ngx_pimap_transport_t *transport, void *connection, ngx_log_t *log)
{
    uint32_t              idle;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    d = ngx_calloc(offsetof(ngx_pimap_device_t, name) + request->device.len,
                   log);
    if (d == NULL) {
        return NULL;
    }

    account = ngx_pimap_account_get(&request->account, log);
    if (account == NULL) {
        ngx_free(d);
        return NULL;
    }

    ngx_pimap_coalesce_flush(account);

    d->account = account;
    d->conf = request->conf;

    if (ngx_pimap_cursor_start(d, &request->start, log) != NGX_OK) {
        ngx_pimap_account_put(account);
        ngx_free(d);
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
    d->issued = request->issued;
    d->revocable = (request->revocable != 0);
    d->expires = request->expires;
    d->since = ngx_pimap_device_now();
    d->sent_at = ngx_pimap_timer_wheel_now();
    d->name_len = (uint16_t) request->device.len;

    if (d->name_len) {
        ngx_memcpy(d->name, request->device.data, request->device.len);
    }

    if (request->carried.token) {
        ngx_pimap_park_carried(d, &request->carried);
        ngx_pimap_count(handover_received);

    } else {
        ngx_pimap_supersede(d);
        ngx_pimap_count(connects);
    }

    idle = request->carried.idle;

    ngx_pimap_device_insert(d, d->ping > idle ? d->ping - idle
                                              : ngx_min(d->ping, 1));

    /* a login that is older than this moment may have been revoked */

    if (account->sub.subscribed && (request->carried.token || d->revocable)) {
        ngx_pimap_revoke_check(account);
    }

    if (request->carried.token == 0) {
        ngx_pimap_device_dbg(d, "parked");
    }

    return d;
}


/* The device was announced by the worker that had it before. */

static void
ngx_pimap_park_carried(ngx_pimap_device_t *d, ngx_pimap_carried_t *carried)
{
    d->token = carried->token;
    d->since = carried->since;
    d->bytes = carried->bytes;
    d->events = carried->events;
    d->sent_at -= carried->idle;
    d->confirmed = carried->confirmed;
    d->announced = 1;

    if (d->stream.coding != NGX_PIMAP_IDENTITY) {
        ngx_pimap_compressed_stream_resume(&d->stream, carried->check,
                                           carried->length);
    }
}


void
ngx_pimap_unpark(ngx_pimap_device_t *d)
{
    ngx_pimap_coalesce_flush(d->account);

    ngx_pimap_device_end(d, NGX_PIMAP_END_DRAIN,
                         ngx_pimap_encode(d->format, NGX_PIMAP_CONTROL_RETRY,
                                          d->conf->retry, NULL,
                                          ngx_pimap_device_log(d)));
}
