
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A parked device as bytes, with which another worker of this host goes on
 * (the connection itself comes beside them).  Pure: no device is touched.
 */


#ifndef _NGX_PIMAP_RECORD_H_INCLUDED_
#define _NGX_PIMAP_RECORD_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_tls13.h"


typedef struct {
    ngx_str_t              location;    /* of nginx.conf, as its key */
    ngx_pimap_park_request_t    parking;     /* but for its conf */
    ngx_str_t              unsent;      /* bytes that the socket has not got */
    ngx_str_t              unread;
    ngx_str_t              state;       /* of a message that is not */
    ngx_str_t              text;        /*    complete */
    ngx_pimap_tls13_t      tls;         /* if it hibernates */

    unsigned               chunked:1;
    unsigned               current:1;   /* its place is the log's end */
    unsigned               blanks:3;
    ngx_pimap_rate_t       idle;
    ngx_pimap_rate_t       updates;
} ngx_pimap_device_record_t;


/* The length, or 0 if it is over "size" bytes. */
size_t ngx_pimap_device_record_write(ngx_pimap_device_record_t *record,
    u_char *buf, size_t size);

/*
 * NGX_OK, or NGX_ERROR for what is no record.  Strings and the filter point
 * into "buf", which must be aligned.
 */
ngx_int_t ngx_pimap_device_record_read(ngx_pimap_device_record_t *record,
    u_char *buf, size_t len);


#endif /* _NGX_PIMAP_RECORD_H_INCLUDED_ */
