
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each member of the record is written and read in this file, and nowhere
 * else.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_device_backlog.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_updates.h"

#include "pimap_update.h"


static void ngx_pimap_handover_device_save(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, ngx_pimap_device_record_t *record);
static void ngx_pimap_handover_device_save_input(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record);
static ngx_int_t ngx_pimap_handover_device_check(
    ngx_pimap_device_record_t *record);
static ngx_int_t ngx_pimap_handover_device_filter(
    ngx_pimap_record_str_t *bytes, ngx_pimap_filter_t **filter);


size_t
ngx_pimap_handover_device_write(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, u_char *buf, size_t size)
{
    size_t                     len;
    ngx_pimap_device_record_t  record;

    ngx_pimap_handover_device_save(d, state, &record);

    len = ngx_pimap_device_record_write(&record, buf, size);

    ngx_explicit_memzero(&record.tls, sizeof(ngx_pimap_tls13_t));

    return len;
}


static void
ngx_pimap_handover_device_save(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, ngx_pimap_device_record_t *record)
{
    ngx_str_t             name;
    pimap_event_start_t     start;
    ngx_pimap_account_t  *account;

    account = d->account;

    ngx_memzero(record, sizeof(ngx_pimap_device_record_t));

    ngx_pimap_device_name(d, &name);

    ngx_pimap_record_str(record->location, d->conf->old_key);
    ngx_pimap_record_str(record->key, d->conf->key);
    ngx_pimap_record_str(record->rules, d->conf->rules);

    if (d->input != NGX_PIMAP_INPUT_NONE) {
        ngx_pimap_record_str(record->origin_rules, d->conf->origin_rules);
    }

    ngx_pimap_record_str(record->account, account->sub.sn.str);
    ngx_pimap_record_str(record->device, name);

    if (d->filter) {
        record->filter.data = (u_char *) d->filter;
        record->filter.len = d->filter->size;
    }

    ngx_memcpy(record->address, d->address, sizeof(record->address));
    record->format = d->format;
    record->input = d->input;
    record->coding = d->stream.coding;
    record->closeafter = d->closeafter;
    record->ping = d->ping;
    record->ping_default = (d->ping == (ngx_uint_t) d->conf->ping);
    record->issued = d->issued;
    record->expires = d->expires;
    record->revocable = d->revocable;
    record->limited = d->limited;

    if (d->limited) {
        ngx_pimap_device_updates(d, &name);
        ngx_pimap_record_str(record->updates, name);
    }

    record->token = d->token;
    record->since = d->since;
    record->bytes = d->bytes;
    record->events = d->events;
    record->silence = ngx_pimap_timer_wheel_now() - d->sent_at;
    record->confirmed = d->confirmed;

    ngx_pimap_cursor_get(d, &start);

    record->id = start.id;
    record->id_known = start.known;
    record->id_earliest = start.earliest;
    record->id_newest = d->reader == NULL && account->has_last_id
                        && account->reader == NULL
                        && !(account->backlog && account->backlog->unread);

    record->checksum = d->stream.check;
    record->length = d->stream.length;

    record->chunked = (state->chunked != 0);
    ngx_pimap_record_str(record->out, state->out);
    ngx_pimap_record_str(record->in, state->in);

    if (state->tls) {
        record->hibernated = 1;
        record->tls = *state->tls;
    }

    ngx_pimap_handover_device_save_input(d, record);
}


static void
ngx_pimap_handover_device_save_input(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record)
{
    ngx_str_t  reader, message, rest;

    ngx_str_null(&reader);
    ngx_str_null(&message);
    ngx_str_null(&rest);

    ngx_pimap_input_save(d, &reader, &message, &rest);

    record->blanks = d->blanks;
    ngx_memcpy(record->update_rate, &d->updates, sizeof(record->update_rate));

    if (reader.len == 0) {
        return;
    }

    record->partial = 1;
    ngx_pimap_record_str(record->message, message);
    ngx_pimap_record_str(record->rest, rest);

    if (d->input == NGX_PIMAP_INPUT_WEBSOCKET) {
        ngx_memcpy(&record->ws, reader.data, sizeof(pimap_ws_t));

    } else {
        ngx_memcpy(&record->body, reader.data, sizeof(pimap_chunked_t));
    }
}


ngx_int_t
ngx_pimap_handover_device_read(ngx_pimap_device_record_t *record,
    ngx_str_t *data, ngx_pimap_park_request_t *parking)
{
    ngx_int_t  rc;

    ngx_memzero(parking, sizeof(ngx_pimap_park_request_t));

    if (ngx_pimap_device_record_read(record, data->data, data->len) != 0
        || ngx_pimap_handover_device_check(record) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rc = ngx_pimap_handover_device_filter(&record->filter, &parking->filter);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_pimap_record_str(parking->account, record->account);
    ngx_pimap_record_str(parking->device, record->device);

    ngx_memcpy(parking->address, record->address, sizeof(parking->address));
    parking->kind = record->hibernated ? NGX_PIMAP_HIBERNATED
                                       : NGX_PIMAP_DETACHED;
    parking->format = record->format;
    parking->input = record->input;
    parking->coding = record->coding;
    parking->closeafter = (record->closeafter != 0);
    parking->ping = record->ping;
    parking->issued = record->issued;
    parking->expires = record->expires;
    parking->since = ngx_pimap_supersede_since(record->since);
    parking->revocable = record->revocable;

    if (record->limited) {
        ngx_pimap_record_str(parking->updates, record->updates);

    } else {
        ngx_str_set(&parking->updates, "*");
    }

    parking->carried.token = record->token;
    parking->carried.bytes = record->bytes;
    parking->carried.events = record->events;
    parking->carried.idle = record->silence;
    parking->carried.confirmed = (record->confirmed != 0);
    parking->carried.check = record->checksum;
    parking->carried.length = record->length;

    parking->start.id = record->id;
    parking->start.known = (record->id_known != 0);
    parking->start.earliest = (record->id_earliest != 0);

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_handover_device_check(ngx_pimap_device_record_t *record)
{
    if (record->account.len == 0
        || record->account.len > NGX_PIMAP_ACCOUNT_MAX
        || record->device.len > NGX_PIMAP_DEVICE_MAX
        || record->updates.len > PIMAP_UPDATE_MAX_VERBS
        || record->ping > NGX_PIMAP_TIMER_WHEEL_MAX
        || record->blanks > NGX_PIMAP_INPUT_BLANKS
        || record->format >= NGX_PIMAP_NFORMATS
        || record->input >= NGX_PIMAP_NINPUTS
        || record->input == NGX_PIMAP_INPUT_NDJSON
        || ngx_pimap_is_websocket(record->format)
           != (record->input == NGX_PIMAP_INPUT_WEBSOCKET)
        || record->coding >= NGX_PIMAP_NCODINGS)
    {
        return NGX_DECLINED;
    }

    return record->hibernated ? ngx_pimap_hibernate_resume(&record->tls)
                              : NGX_OK;
}


/* In the record it is not aligned. */

static ngx_int_t
ngx_pimap_handover_device_filter(ngx_pimap_record_str_t *bytes,
    ngx_pimap_filter_t **filter)
{
    if (bytes->len == 0) {
        return NGX_OK;
    }

    if (bytes->len > NGX_PIMAP_FILTER_MAX_SIZE) {
        return NGX_DECLINED;
    }

    *filter = ngx_pimap_heap_record(bytes->len, ngx_cycle->log);
    if (*filter == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(*filter, bytes->data, bytes->len);

    if (ngx_pimap_filter_check(*filter, bytes->len) != NGX_OK) {
        ngx_pimap_heap_record_free(*filter);
        *filter = NULL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_handover_device_restore(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record)
{
    ngx_str_t  reader, message, rest;

    d->blanks = record->blanks;
    ngx_memcpy(&d->updates, record->update_rate, sizeof(record->update_rate));

    ngx_str_null(&reader);
    ngx_pimap_record_str(message, record->message);
    ngx_pimap_record_str(rest, record->rest);

    if (record->partial) {

        if (d->input == NGX_PIMAP_INPUT_WEBSOCKET) {
            reader.data = (u_char *) &record->ws;
            reader.len = sizeof(pimap_ws_t);

        } else {
            reader.data = (u_char *) &record->body;
            reader.len = sizeof(pimap_chunked_t);
        }
    }

    return ngx_pimap_input_restore(d, &reader, &message, &rest);
}
