
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device and its connection go on here.
 */


#include "ngx_pimap_handover_adopt.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_transport_connection.h"
#include "ngx_pimap_park.h"
#include "ngx_pimap_filter.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_limit.h"
#include "ngx_pimap_device_record.h"
#include "ngx_pimap_input.h"
#include "ngx_pimap_socket.h"


static ngx_int_t ngx_pimap_handover_adopt_park(ngx_pimap_handover_incoming_t *guest, ngx_pimap_device_record_t *record, ngx_connection_t *c);


void
ngx_pimap_handover_adopt(ngx_pimap_handover_incoming_t *guest, ngx_str_t *data,
    ngx_socket_t fd)
{
    ngx_str_t            *name;
    ngx_connection_t     *c;
    ngx_pimap_device_record_t    record;

    name = &guest->account->sn.str;

    if (ngx_pimap_device_record_read(&record, data->data, data->len) != NGX_OK
        || record.parking.account.len != name->len
        || ngx_memcmp(record.parking.account.data, name->data, name->len) != 0
        || (record.parking.kind == NGX_PIMAP_HIBERNATED
            && ngx_pimap_hibernate_resume(&record.tls) != NGX_OK))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "pimap got an invalid record of a device");
        (void) ngx_close_socket(fd);
        return;
    }

    c = ngx_pimap_socket_open(fd);

    if (c == NULL) {
        (void) ngx_close_socket(fd);

    } else if (ngx_pimap_handover_adopt_park(guest, &record, c) != NGX_OK) {
        ngx_close_connection(c);
    }

    ngx_explicit_memzero(&record.tls, sizeof(ngx_pimap_tls13_t));
}


static ngx_int_t
ngx_pimap_handover_adopt_park(ngx_pimap_handover_incoming_t *guest,
    ngx_pimap_device_record_t *record, ngx_connection_t *c)
{
    ngx_uint_t             gone;
    ngx_pimap_device_t    *d;
    ngx_pimap_park_request_t   *parking;
    ngx_pimap_connection_t *pc;
    ngx_pimap_connection_state_t  state;

    parking = &record->parking;

    gone = (ngx_pimap_conf_find(&record->location, &parking->conf) != NGX_OK);

    if (parking->conf == NULL) {
        return NGX_ERROR;
    }

    /* the settings may be others now */

    if (parking->ping) {
        parking->ping = ngx_max(parking->ping,
                                (ngx_uint_t) parking->conf->ping_min);
        parking->ping = ngx_min(parking->ping,
                                (ngx_uint_t) parking->conf->ping_max);
    }

    pc = ngx_pimap_connection_create(parking->kind == NGX_PIMAP_HIBERNATED,
                                     c->log);
    if (pc == NULL) {
        return NGX_ERROR;
    }

    if (parking->filter) {
        parking->filter = ngx_pimap_filter_clone(parking->filter, c->log);

        if (parking->filter == NULL) {
            ngx_pimap_connection_free(pc);
            return NGX_ERROR;
        }
    }

    /* nothing has come since the marker, so the other one's place is ours */

    if (guest->ordered && record->current && !guest->account->has_last_id) {
        guest->account->has_last_id = 1;
        guest->account->last_id = parking->start.id;
    }

    ngx_pimap_limit_take(parking);

    d = ngx_pimap_park(parking, &ngx_pimap_transport_connection, pc,
                       c->log);

    if (d == NULL) {
        ngx_pimap_limit_release(&parking->account, &parking->device,
                                parking->address);
        ngx_free(parking->filter);
        ngx_pimap_connection_free(pc);
        return NGX_ERROR;
    }

    d->blanks = record->blanks;
    d->idle = record->idle;
    d->updates = record->updates;

    state.out = record->unsent;
    state.in = record->unread;
    state.chunked = record->chunked;
    state.tls = d->kind == NGX_PIMAP_HIBERNATED ? &record->tls : NULL;

    if (ngx_pimap_connection_restore(pc, c, d, &state) != NGX_OK
        || ngx_pimap_input_restore(d, &record->state, &record->text) != NGX_OK)
    {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLIENT, NULL);
        return NGX_OK;
    }

    /* its location may be gone, or too many events have come meanwhile */

    if (gone || guest->lost) {
        ngx_pimap_unpark(d);

    } else {
        ngx_pimap_handover_incoming_catch_up(guest, d);
    }

    return NGX_OK;
}
