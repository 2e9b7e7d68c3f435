
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A head of fixed size, and after it what has a length of its own, in the
 * order of the enumeration.  NGX_PIMAP_HANDOVER_IPC_VERSION is its version.
 */


#include "ngx_pimap_device_record.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_filter.h"
#include "ngx_pimap_timer_wheel.h"


typedef enum {
    NGX_PIMAP_DEVICE_RECORD_FILTER = 0,        /* first: it must be aligned */
    NGX_PIMAP_DEVICE_RECORD_LOCATION,
    NGX_PIMAP_DEVICE_RECORD_ACCOUNT,
    NGX_PIMAP_DEVICE_RECORD_DEVICE,
    NGX_PIMAP_DEVICE_RECORD_UNSENT,
    NGX_PIMAP_DEVICE_RECORD_UNREAD,
    NGX_PIMAP_DEVICE_RECORD_STATE,
    NGX_PIMAP_DEVICE_RECORD_TEXT,
    NGX_PIMAP_DEVICE_RECORD_NPARTS
} ngx_pimap_device_record_part_t;


typedef struct {
    uint32_t               len[NGX_PIMAP_DEVICE_RECORD_NPARTS];

    ngx_pimap_carried_t    carried;
    pimap_event_id_t   position;

    uint32_t               issued;
    uint32_t               expires;
    uint16_t               ping;
    uint8_t                kind;
    uint8_t                format;
    uint8_t                input;
    uint8_t                flags;
    uint8_t                blanks;
    uint8_t                coding;
    uint8_t                address[16];
    ngx_pimap_rate_t       idle;
    ngx_pimap_rate_t       updates;

    ngx_pimap_tls13_t      tls;
} ngx_pimap_device_record_head_t;


#define NGX_PIMAP_DEVICE_RECORD_CLOSEAFTER  0x01
#define NGX_PIMAP_DEVICE_RECORD_KNOWN       0x02
#define NGX_PIMAP_DEVICE_RECORD_EARLIEST    0x04
#define NGX_PIMAP_DEVICE_RECORD_CHUNKED     0x08
#define NGX_PIMAP_DEVICE_RECORD_CURRENT     0x10
#define NGX_PIMAP_DEVICE_RECORD_FLAGS       0x1f


static ngx_int_t ngx_pimap_device_record_check(ngx_pimap_device_record_head_t *head, ngx_str_t *parts);


size_t
ngx_pimap_device_record_write(ngx_pimap_device_record_t *record, u_char *buf,
    size_t size)
{
    size_t                    need;
    u_char                   *p;
    ngx_uint_t                i;
    ngx_str_t                 parts[NGX_PIMAP_DEVICE_RECORD_NPARTS];
    ngx_pimap_park_request_t      *parking;
    ngx_pimap_device_record_head_t   head;

    parking = &record->parking;

    ngx_memzero(&head, sizeof(ngx_pimap_device_record_head_t));

    parts[NGX_PIMAP_DEVICE_RECORD_FILTER].data = (u_char *) parking->filter;
    parts[NGX_PIMAP_DEVICE_RECORD_FILTER].len = parking->filter
                                         ? parking->filter->size : 0;
    parts[NGX_PIMAP_DEVICE_RECORD_LOCATION] = record->location;
    parts[NGX_PIMAP_DEVICE_RECORD_ACCOUNT] = parking->account;
    parts[NGX_PIMAP_DEVICE_RECORD_DEVICE] = parking->device;
    parts[NGX_PIMAP_DEVICE_RECORD_UNSENT] = record->unsent;
    parts[NGX_PIMAP_DEVICE_RECORD_UNREAD] = record->unread;
    parts[NGX_PIMAP_DEVICE_RECORD_STATE] = record->state;
    parts[NGX_PIMAP_DEVICE_RECORD_TEXT] = record->text;

    need = sizeof(ngx_pimap_device_record_head_t);

    for (i = 0; i < NGX_PIMAP_DEVICE_RECORD_NPARTS; i++) {
        need += parts[i].len;
        head.len[i] = (uint32_t) parts[i].len;
    }

    if (need > size) {
        return 0;
    }

    head.carried = parking->carried;
    head.position = parking->start.id;
    head.issued = parking->issued;
    head.expires = parking->expires;
    head.ping = (uint16_t) parking->ping;
    head.kind = (uint8_t) parking->kind;
    head.format = (uint8_t) parking->format;
    head.input = (uint8_t) parking->input;
    head.idle = record->idle;
    head.updates = record->updates;
    head.coding = (uint8_t) parking->coding;
    head.blanks = record->blanks;
    ngx_memcpy(head.address, parking->address, sizeof(head.address));

    head.flags = (parking->closeafter ? NGX_PIMAP_DEVICE_RECORD_CLOSEAFTER : 0)
                 | (parking->start.known ? NGX_PIMAP_DEVICE_RECORD_KNOWN : 0)
                 | (parking->start.earliest ? NGX_PIMAP_DEVICE_RECORD_EARLIEST : 0)
                 | (record->chunked ? NGX_PIMAP_DEVICE_RECORD_CHUNKED : 0)
                 | (record->current ? NGX_PIMAP_DEVICE_RECORD_CURRENT : 0);

    if (parking->kind == NGX_PIMAP_HIBERNATED) {
        head.tls = record->tls;
    }

    p = ngx_cpymem(buf, &head, sizeof(ngx_pimap_device_record_head_t));

    ngx_explicit_memzero(&head.tls, sizeof(ngx_pimap_tls13_t));

    for (i = 0; i < NGX_PIMAP_DEVICE_RECORD_NPARTS; i++) {
        if (parts[i].len) {
            p = ngx_cpymem(p, parts[i].data, parts[i].len);
        }
    }

    return need;
}


ngx_int_t
ngx_pimap_device_record_read(ngx_pimap_device_record_t *record, u_char *buf,
    size_t len)
{
    u_char                   *p;
    ngx_uint_t                i;
    ngx_str_t                 parts[NGX_PIMAP_DEVICE_RECORD_NPARTS];
    ngx_pimap_park_request_t      *parking;
    ngx_pimap_device_record_head_t  *head;

    if (len < sizeof(ngx_pimap_device_record_head_t)) {
        return NGX_ERROR;
    }

    head = (ngx_pimap_device_record_head_t *) buf;

    p = buf + sizeof(ngx_pimap_device_record_head_t);
    len -= sizeof(ngx_pimap_device_record_head_t);

    for (i = 0; i < NGX_PIMAP_DEVICE_RECORD_NPARTS; i++) {

        if (head->len[i] > len) {
            return NGX_ERROR;
        }

        parts[i].data = p;
        parts[i].len = head->len[i];

        p += head->len[i];
        len -= head->len[i];
    }

    if (len || ngx_pimap_device_record_check(head, parts) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(record, sizeof(ngx_pimap_device_record_t));

    parking = &record->parking;

    parking->account = parts[NGX_PIMAP_DEVICE_RECORD_ACCOUNT];
    parking->device = parts[NGX_PIMAP_DEVICE_RECORD_DEVICE];
    parking->filter = parts[NGX_PIMAP_DEVICE_RECORD_FILTER].len
                      ? (ngx_pimap_filter_t *)
                            parts[NGX_PIMAP_DEVICE_RECORD_FILTER].data
                      : NULL;
    parking->carried = head->carried;
    parking->issued = head->issued;
    parking->expires = head->expires;
    parking->ping = head->ping;
    parking->kind = head->kind;
    parking->format = head->format;
    parking->input = head->input;
    parking->coding = head->coding;
    parking->closeafter = (head->flags & NGX_PIMAP_DEVICE_RECORD_CLOSEAFTER) != 0;
    parking->start.id = head->position;
    parking->start.known = (head->flags & NGX_PIMAP_DEVICE_RECORD_KNOWN) != 0;
    parking->start.earliest = (head->flags & NGX_PIMAP_DEVICE_RECORD_EARLIEST) != 0;
    ngx_memcpy(parking->address, head->address, sizeof(head->address));

    record->location = parts[NGX_PIMAP_DEVICE_RECORD_LOCATION];
    record->unsent = parts[NGX_PIMAP_DEVICE_RECORD_UNSENT];
    record->unread = parts[NGX_PIMAP_DEVICE_RECORD_UNREAD];
    record->state = parts[NGX_PIMAP_DEVICE_RECORD_STATE];
    record->text = parts[NGX_PIMAP_DEVICE_RECORD_TEXT];
    record->chunked = (head->flags & NGX_PIMAP_DEVICE_RECORD_CHUNKED) != 0;
    record->current = (head->flags & NGX_PIMAP_DEVICE_RECORD_CURRENT) != 0;
    record->blanks = head->blanks;
    record->idle = head->idle;
    record->updates = head->updates;
    record->tls = head->tls;

    ngx_explicit_memzero(&head->tls, sizeof(ngx_pimap_tls13_t));

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_device_record_check(ngx_pimap_device_record_head_t *head,
    ngx_str_t *parts)
{
    ngx_str_t  *filter;

    if (parts[NGX_PIMAP_DEVICE_RECORD_ACCOUNT].len == 0
        || parts[NGX_PIMAP_DEVICE_RECORD_ACCOUNT].len > NGX_PIMAP_ACCOUNT_MAX
        || parts[NGX_PIMAP_DEVICE_RECORD_DEVICE].len > NGX_PIMAP_DEVICE_MAX
        || head->ping > NGX_PIMAP_TIMER_WHEEL_MAX
        || head->blanks > 7
        || head->format >= NGX_PIMAP_NFORMATS
        || head->input >= NGX_PIMAP_NINPUTS
        || head->input == NGX_PIMAP_INPUT_NDJSON
        || (ngx_pimap_is_websocket(head->format)
            != (head->input == NGX_PIMAP_INPUT_WEBSOCKET))
        || head->coding >= NGX_PIMAP_NCODINGS
        || (head->flags & ~NGX_PIMAP_DEVICE_RECORD_FLAGS))
    {
        return NGX_ERROR;
    }

    if (head->kind != NGX_PIMAP_DETACHED && head->kind != NGX_PIMAP_HIBERNATED)
    {
        return NGX_ERROR;
    }

    filter = &parts[NGX_PIMAP_DEVICE_RECORD_FILTER];

    if (filter->len
        && ngx_pimap_filter_check((ngx_pimap_filter_t *) filter->data,
                                  filter->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
