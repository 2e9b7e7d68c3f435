
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the format in which a device moves from worker to worker: a list of
 * fields, each a tag (2 bytes), a length (4 bytes) and a value.  A field that
 * is not there is zero or empty.  A reader skips tags that it does not know.
 * So workers of different versions understand each other.  Pure.
 */


#ifndef _NGX_PIMAP_DEVICE_RECORD_H_INCLUDED_
#define _NGX_PIMAP_DEVICE_RECORD_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "ngx_pimap_tls13.h"
#include "pimap_chunked.h"
#include "pimap_event_id.h"
#include "pimap_ws.h"


/* The members of ngx_str_t. */
typedef struct {
    size_t            len;
    uint8_t          *data;
} ngx_pimap_record_str_t;


#define ngx_pimap_record_str(to, from)                                        \
    (to).len = (from).len;                                                    \
    (to).data = (from).data


typedef struct {
    ngx_pimap_record_str_t  location;   /* the key of it in older workers */
    ngx_pimap_record_str_t  key;        /* of its location */
    ngx_pimap_record_str_t  rules;      /* of its location */
    ngx_pimap_record_str_t  origin_rules;   /* the same; if it may send */
    ngx_pimap_record_str_t  account;
    ngx_pimap_record_str_t  device;
    ngx_pimap_record_str_t  filter;     /* ngx_pimap_filter_t */

    uint8_t           address[16];
    uint8_t           format;           /* ngx_pimap_format_t */
    uint8_t           input;            /* ngx_pimap_input_t */
    uint8_t           coding;           /* ngx_pimap_coding_t */
    uint8_t           closeafter;
    uint16_t          ping;
    uint8_t           ping_default;     /* it is that of the location */
    uint32_t          issued;
    uint32_t          expires;
    uint8_t           revocable;
    uint8_t           limited;          /* to the updates below */
    ngx_pimap_record_str_t  updates;

    uint64_t          token;
    uint64_t          since;
    uint64_t          bytes;
    uint32_t          events;
    uint32_t          silence;          /* seconds since anything was sent */
    uint8_t           confirmed;

    pimap_event_id_t  id;               /* of the last event */
    uint8_t           id_known;
    uint8_t           id_earliest;
    uint8_t           id_newest;        /* the log has no newer event */

    uint32_t          checksum;         /* of the compressed stream */
    uint32_t          length;

    uint8_t           chunked;
    uint8_t           hibernated;
    ngx_pimap_record_str_t  out;        /* bytes that wait for the socket */
    ngx_pimap_record_str_t  in;         /* of a TLS record */
    ngx_pimap_tls13_t       tls;

    uint8_t           blanks;
    uint8_t           update_rate[2];
    uint8_t           partial;          /* a message or its bytes wait */
    ngx_pimap_record_str_t  message;    /* as far as it has come */
    ngx_pimap_record_str_t  rest;       /* bytes that are not read yet */
    pimap_ws_t        ws;
    pimap_chunked_t   body;
} ngx_pimap_device_record_t;


/* The length, or 0 if it is over "size" bytes. */
size_t ngx_pimap_device_record_write(const ngx_pimap_device_record_t *record,
    uint8_t *buf, size_t size);

/* 0, or -1 if the bytes are no record.  Strings point into "buf". */
int ngx_pimap_device_record_read(ngx_pimap_device_record_t *record,
    uint8_t *buf, size_t len);


#endif /* _NGX_PIMAP_DEVICE_RECORD_H_INCLUDED_ */
