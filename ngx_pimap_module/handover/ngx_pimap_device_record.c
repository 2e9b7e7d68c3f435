
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One table says all about the fields.  Invariant: a tag keeps its meaning
 * for ever, and the tag of a removed field is not used again.
 */


#include <string.h>

#include "ngx_pimap_device_record.h"


#define NGX_PIMAP_RECORD_HEAD  6        /* bytes of tag and length */

#define field(tag, kind, member)                                              \
    { tag, ngx_pimap_record_get_##kind, ngx_pimap_record_set_##kind,          \
      sizeof(((ngx_pimap_device_record_t *) NULL)->member),                   \
      offsetof(ngx_pimap_device_record_t, member) }


typedef struct {
    uint16_t    tag;

    /* The value of a member; "number" is memory for it. */
    size_t    (*get)(const void *member, size_t size, uint8_t number[8],
                     const uint8_t **value);

    /* 0, or -1 if the member can't have this value. */
    int       (*set)(void *member, size_t size, uint8_t *value, size_t len);

    size_t      size;
    size_t      offset;
} ngx_pimap_record_field_t;


static size_t ngx_pimap_record_get_string(const void *member, size_t size,
    uint8_t number[8], const uint8_t **value);
static int ngx_pimap_record_set_string(void *member, size_t size,
    uint8_t *value, size_t len);
static size_t ngx_pimap_record_get_bytes(const void *member, size_t size,
    uint8_t number[8], const uint8_t **value);
static int ngx_pimap_record_set_bytes(void *member, size_t size,
    uint8_t *value, size_t len);
static size_t ngx_pimap_record_get_number(const void *member, size_t size,
    uint8_t number[8], const uint8_t **value);
static int ngx_pimap_record_set_number(void *member, size_t size,
    uint8_t *value, size_t len);


static const ngx_pimap_record_field_t  ngx_pimap_record_fields[] = {

    field(1, string, location),
    field(2, string, account),
    field(3, string, device),
    field(4, string, filter),
    field(5, bytes, address),
    field(6, number, format),
    field(7, number, input),
    field(8, number, coding),
    field(9, number, closeafter),
    field(10, number, ping),
    field(11, number, issued),
    field(12, number, expires),
    field(13, number, revocable),
    field(14, number, limited),
    field(15, string, updates),
    field(16, string, key),
    field(17, string, rules),
    field(18, string, origin_rules),
    field(19, number, ping_default),

    field(20, number, token),
    field(21, number, since),
    field(22, number, bytes),
    field(23, number, events),
    field(24, number, silence),
    field(25, number, confirmed),

    field(30, number, id.epoch),
    field(31, number, id.n),
    field(32, number, id_known),
    field(33, number, id_earliest),
    field(34, number, id_newest),

    field(40, number, checksum),
    field(41, number, length),

    field(50, number, chunked),
    field(51, number, hibernated),
    field(52, string, out),
    field(53, string, in),

    field(60, number, tls.suite),
    field(61, number, tls.flags),
    field(62, number, tls.stalls),
    field(63, number, tls.tx_seq),
    field(64, number, tls.rx_seq),
    field(65, bytes, tls.tx_secret),
    field(66, bytes, tls.rx_secret),

    field(70, number, blanks),
    field(72, bytes, update_rate),
    field(73, number, partial),
    field(74, string, message),
    field(75, string, rest),

    field(80, number, ws.left),
    field(81, number, ws.size),
    field(82, bytes, ws.head),
    field(83, number, ws.head_len),
    field(84, number, ws.ready),
    field(85, number, ws.mask_at),
    field(86, number, ws.open),
    field(87, number, ws.compressed),
    field(88, number, ws.utf8.need),
    field(89, number, ws.utf8.low),
    field(90, number, ws.utf8.high),
    field(91, bytes, ws.control),
    field(92, number, ws.control_len),

    field(100, number, body.left),
    field(101, number, body.line),
    field(102, number, body.state),

    { 0, NULL, NULL, 0, 0 }
};


size_t
ngx_pimap_device_record_write(const ngx_pimap_device_record_t *record,
    uint8_t *buf, size_t size)
{
    size_t                           len;
    uint8_t                         *p, number[8];
    const uint8_t                   *value;
    const ngx_pimap_record_field_t  *f;

    p = buf;

    for (f = ngx_pimap_record_fields; f->tag; f++) {
        len = f->get((const uint8_t *) record + f->offset, f->size, number,
                     &value);
        if (len == 0) {
            continue;
        }

        if (size - (p - buf) < NGX_PIMAP_RECORD_HEAD
            || size - (p - buf) - NGX_PIMAP_RECORD_HEAD < len)
        {
            return 0;
        }

        *p++ = (uint8_t) (f->tag >> 8);
        *p++ = (uint8_t) f->tag;
        *p++ = (uint8_t) (len >> 24);
        *p++ = (uint8_t) (len >> 16);
        *p++ = (uint8_t) (len >> 8);
        *p++ = (uint8_t) len;

        memcpy(p, value, len);
        p += len;
    }

    return p - buf;
}


int
ngx_pimap_device_record_read(ngx_pimap_device_record_t *record, uint8_t *buf,
    size_t len)
{
    size_t                           n;
    uint16_t                         tag;
    const ngx_pimap_record_field_t  *f;

    memset(record, 0, sizeof(ngx_pimap_device_record_t));

    while (len) {

        if (len < NGX_PIMAP_RECORD_HEAD) {
            return -1;
        }

        tag = (uint16_t) (buf[0] << 8 | buf[1]);
        n = (size_t) buf[2] << 24 | buf[3] << 16 | buf[4] << 8 | buf[5];

        buf += NGX_PIMAP_RECORD_HEAD;
        len -= NGX_PIMAP_RECORD_HEAD;

        if (n > len) {
            return -1;
        }

        for (f = ngx_pimap_record_fields; f->tag; f++) {

            if (f->tag == tag
                && f->set((uint8_t *) record + f->offset, f->size, buf, n)
                   != 0)
            {
                return -1;
            }
        }

        buf += n;
        len -= n;
    }

    return 0;
}


static size_t
ngx_pimap_record_get_string(const void *member, size_t size,
    uint8_t number[8], const uint8_t **value)
{
    const ngx_pimap_record_str_t  *str = member;

    *value = str->data;

    return str->len;
}


static int
ngx_pimap_record_set_string(void *member, size_t size, uint8_t *value,
    size_t len)
{
    ngx_pimap_record_str_t  *str = member;

    str->data = value;
    str->len = len;

    return 0;
}


/* Bytes of 0 at the end are left out. */

static size_t
ngx_pimap_record_get_bytes(const void *member, size_t size, uint8_t number[8],
    const uint8_t **value)
{
    *value = member;

    while (size && (*value)[size - 1] == 0) {
        size--;
    }

    return size;
}


static int
ngx_pimap_record_set_bytes(void *member, size_t size, uint8_t *value,
    size_t len)
{
    if (len > size) {
        return -1;
    }

    memset(member, 0, size);
    memcpy(member, value, len);

    return 0;
}


/* The most significant byte comes first, and is not 0. */

static size_t
ngx_pimap_record_get_number(const void *member, size_t size,
    uint8_t number[8], const uint8_t **value)
{
    int       i;
    uint64_t  n;

    n = size == 1 ? *(const uint8_t *) member
      : size == 2 ? *(const uint16_t *) member
      : size == 4 ? *(const uint32_t *) member
      : *(const uint64_t *) member;

    for (i = 8; n; n >>= 8) {
        number[--i] = (uint8_t) n;
    }

    *value = &number[i];

    return 8 - i;
}


static int
ngx_pimap_record_set_number(void *member, size_t size, uint8_t *value,
    size_t len)
{
    uint64_t  n;

    if (len > size) {
        return -1;
    }

    for (n = 0; len; len--) {
        n = n << 8 | *value++;
    }

    switch (size) {

    case 1:
        *(uint8_t *) member = (uint8_t) n;
        break;

    case 2:
        *(uint16_t *) member = (uint16_t) n;
        break;

    case 4:
        *(uint32_t *) member = (uint32_t) n;
        break;

    default:
        *(uint64_t *) member = n;
    }

    return 0;
}
