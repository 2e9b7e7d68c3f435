
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what is known of a device before it is parked.
 */


#ifndef _NGX_PIMAP_PARK_REQUEST_H_INCLUDED_
#define _NGX_PIMAP_PARK_REQUEST_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"


/* What a device carries from the worker that had it before. */
typedef struct {
    uint64_t                      token;    /* 0: it is new */
    uint64_t                      since;
    uint64_t                      bytes;
    uint32_t                      events;
    uint32_t                      idle;     /* seconds without a message */
    uint32_t                      confirmed;
    uint32_t                      check;    /* of the compressed stream */
    uint32_t                      length;
} ngx_pimap_carried_t;


/* What a request says about the device that it parks. */
typedef struct {
    ngx_str_t                     account;
    ngx_str_t                     device;
    ngx_pimap_filter_t           *filter;   /* taken over on success */
    pimap_event_start_t           start;
    ngx_pimap_loc_conf_t         *conf;
    ngx_uint_t                    ping;
    ngx_uint_t                    closeafter;
    uint32_t                      issued;
    uint32_t                      expires;
    ngx_uint_t                    revocable;
    ngx_msec_t                    wait;         /* of a poll */
    u_char                        address[16];
    ngx_pimap_kind_t              kind;
    ngx_pimap_format_t            format;
    ngx_pimap_input_t             input;
    ngx_pimap_coding_t            coding;
    const char                   *extensions;   /* of a WebSocket, or NULL */
    ngx_pimap_carried_t           carried;
} ngx_pimap_park_request_t;


#endif /* _NGX_PIMAP_PARK_REQUEST_H_INCLUDED_ */
