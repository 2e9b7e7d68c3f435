
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * First all that can fail, then the device is parked, then its connection and
 * its input are restored.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_conf_location.h"
#include "ngx_pimap_conf_rules.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_socket.h"
#include "ngx_pimap_spare.h"


static void ngx_pimap_handover_adopt_crowded(void);
static ngx_pimap_loc_conf_t *ngx_pimap_handover_adopt_location(
    ngx_pimap_device_record_t *record, ngx_socket_t fd);
static ngx_uint_t ngx_pimap_handover_adopt_stays(ngx_pimap_device_t *d);
static ngx_pimap_device_t *ngx_pimap_handover_adopt_park(
    ngx_pimap_device_record_t *record, ngx_pimap_park_request_t *parking,
    ngx_connection_t *c);


ngx_pimap_device_t *
ngx_pimap_handover_adopt(ngx_pimap_account_t *account, ngx_str_t *data,
    ngx_socket_t fd, ngx_uint_t marked)
{
    ngx_int_t                   rc;
    ngx_str_t                  *name;
    ngx_uint_t                  crowded;
    ngx_connection_t           *c;
    ngx_pimap_device_t         *d;
    ngx_pimap_park_request_t         parking;
    ngx_pimap_device_record_t   record;

    d = NULL;
    c = NULL;
    name = &account->sub.sn.str;

    rc = ngx_pimap_handover_device_read(&record, data, &parking);

    if (rc == NGX_ERROR) {
        goto done;
    }

    if (rc != NGX_OK || parking.account.len != name->len
        || ngx_memcmp(parking.account.data, name->data, name->len) != 0)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "pimap disconnects a device of account \"%V\": its "
                      "record from the old worker is invalid", name);
        goto done;
    }

    parking.conf = ngx_pimap_handover_adopt_location(&record, fd);

    /* nothing has come since the marker, so the sender's id is ours */

    if (marked && record.id_newest && !account->has_last_id) {
        account->has_last_id = 1;
        account->last_id = record.id;
    }

    c = ngx_pimap_spare_any() ? ngx_pimap_socket_open(fd) : NULL;

    if (c) {
        d = ngx_pimap_handover_adopt_park(&record, &parking, c);
    }

    crowded = c == NULL || ngx_pimap_spare_over();

    if (crowded) {
        ngx_pimap_handover_adopt_crowded();
    }

    /* on a connection that is kept for other things a device may only end */

    if (d && (crowded || !ngx_pimap_handover_adopt_stays(d))) {
        ngx_pimap_departure_add(d, crowded);
    }

done:

    if (d == NULL) {
        ngx_pimap_heap_record_free(parking.filter);
        ngx_pimap_count(ends[NGX_PIMAP_END_ERROR]);

        if (c) {
            ngx_close_connection(c);

        } else {
            (void) ngx_close_socket(fd);
        }
    }

    ngx_explicit_memzero(&record.tls, sizeof(ngx_pimap_tls13_t));

    return d;
}


/* Other clients may have come since this worker said that it has room. */

static void
ngx_pimap_handover_adopt_crowded(void)
{
    static time_t  logged;

    if (logged != ngx_time()) {
        logged = ngx_time();

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap disconnects devices from an old worker: this "
                      "worker has no free connections for them, see "
                      "\"worker_connections\" and \"worker_rlimit_nofile\"");
    }
}


/* The socket says to which address the client has connected. */

static ngx_pimap_loc_conf_t *
ngx_pimap_handover_adopt_location(ngx_pimap_device_record_t *record,
    ngx_socket_t fd)
{
    socklen_t               len;
    ngx_str_t               key, old_key, rules, origin_rules;
    ngx_sockaddr_t          local;
    ngx_pimap_loc_conf_t   *conf;
    ngx_pimap_main_conf_t  *pmcf;

    ngx_pimap_record_str(key, record->key);
    ngx_pimap_record_str(old_key, record->location);
    ngx_pimap_record_str(rules, record->rules);
    ngx_pimap_record_str(origin_rules, record->origin_rules);

    len = sizeof(ngx_sockaddr_t);

    conf = getsockname(fd, &local.sockaddr, &len) == 0
           ? ngx_pimap_conf_location_find(&key, &old_key, &local.sockaddr, len)
           : NULL;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    return conf && ngx_pimap_conf_rules_admit(conf, &rules, &origin_rules)
           ? conf : pmcf->homeless;
}


/*
 * True if the location would go on with such a response.  Its head has said
 * whether it is compressed.
 */

static ngx_uint_t
ngx_pimap_handover_adopt_stays(ngx_pimap_device_t *d)
{
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    return d->conf != pmcf->homeless
           && d->conf->detach
           && (d->kind != NGX_PIMAP_HIBERNATED || d->conf->hibernate)
           && ((d->stream.coding == NGX_PIMAP_IDENTITY
                && d->format != NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE)
               || !ngx_pimap_conf_rules_plain(d->conf));
}


static ngx_pimap_device_t *
ngx_pimap_handover_adopt_park(ngx_pimap_device_record_t *record,
    ngx_pimap_park_request_t *parking, ngx_connection_t *c)
{
    ngx_pimap_device_t            *d;
    ngx_pimap_connection_t        *pc;
    ngx_pimap_connection_state_t   state;

    /* the settings may have changed */

    if (record->ping_default) {
        parking->ping = parking->conf->ping;

    } else if (parking->ping) {
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
                                parking->address, parking->counted);
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
        return d;
    }

    /* a newer request may have come here, or its announcement was missed */

    ngx_pimap_supersede(d);

    return d;
}
