
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * First all that can fail, then the device is parked, then its connection and
 * its input are restored.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_socket.h"


static ngx_pimap_device_t *ngx_pimap_handover_adopt_park(
    ngx_pimap_device_record_t *record, ngx_pimap_park_request_t *parking,
    ngx_connection_t *c);


ngx_pimap_device_t *
ngx_pimap_handover_adopt(ngx_pimap_account_t *account, ngx_str_t *data,
    ngx_socket_t fd, ngx_uint_t marked, ngx_uint_t *homeless)
{
    ngx_str_t                  *name, location;
    ngx_connection_t           *c;
    ngx_pimap_device_t         *d;
    ngx_pimap_park_request_t         parking;
    ngx_pimap_device_record_t   record;

    d = NULL;
    c = NULL;
    name = &account->sub.sn.str;

    if (ngx_pimap_handover_device_read(&record, data, &parking) != NGX_OK
        || parking.account.len != name->len
        || ngx_memcmp(parking.account.data, name->data, name->len) != 0)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "pimap disconnects a device of account \"%V\": its "
                      "record from the old worker is invalid", name);
        goto done;
    }

    ngx_pimap_record_str(location, record.location);

    *homeless = (ngx_pimap_conf_find(&location, &parking.conf) != NGX_OK);

    if (parking.conf == NULL) {
        goto done;
    }

    /* nothing has come since the marker, so the sender's id is ours */

    if (marked && record.id_newest && !account->has_last_id) {
        account->has_last_id = 1;
        account->last_id = record.id;
    }

    c = ngx_pimap_socket_open(fd);

    if (c) {
        d = ngx_pimap_handover_adopt_park(&record, &parking, c);
    }

done:

    if (d == NULL) {
        ngx_free(parking.filter);

        if (c) {
            ngx_close_connection(c);

        } else {
            (void) ngx_close_socket(fd);
        }
    }

    ngx_explicit_memzero(&record.tls, sizeof(ngx_pimap_tls13_t));

    return d;
}


static ngx_pimap_device_t *
ngx_pimap_handover_adopt_park(ngx_pimap_device_record_t *record,
    ngx_pimap_park_request_t *parking, ngx_connection_t *c)
{
    ngx_pimap_device_t            *d;
    ngx_pimap_connection_t        *pc;
    ngx_pimap_connection_state_t   state;

    /* the settings may have changed */

    if (parking->ping) {
        parking->ping = ngx_max(parking->ping,
                                (ngx_uint_t) parking->conf->ping_min);
        parking->ping = ngx_min(parking->ping,
                                (ngx_uint_t) parking->conf->ping_max);
    }

    pc = ngx_pimap_connection_create(record->hibernated, c->log);
    if (pc == NULL) {
        return NULL;
    }

    ngx_pimap_limit_take(parking);

    d = ngx_pimap_park(parking, &ngx_pimap_transport_connection, pc, c->log);

    if (d == NULL) {
        ngx_pimap_limit_release(&parking->account, &parking->device,
                                parking->address);
        ngx_pimap_connection_free(pc);
        return NULL;
    }

    ngx_pimap_record_str(state.out, record->out);
    ngx_pimap_record_str(state.in, record->in);
    state.chunked = record->chunked;
    state.tls = record->hibernated ? &record->tls : NULL;

    if (ngx_pimap_connection_restore(pc, c, d, &state) != NGX_OK
        || ngx_pimap_handover_device_restore(d, record) != NGX_OK)
    {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLIENT, NULL);
    }

    return d;
}
