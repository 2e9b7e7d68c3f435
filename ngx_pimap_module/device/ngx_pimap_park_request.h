
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request to park a device, its limits and its filter.
 */


#ifndef _NGX_PIMAP_PARK_REQUEST_H_INCLUDED_
#define _NGX_PIMAP_PARK_REQUEST_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"

#include "pimap_event.h"
#include "pimap_types.h"


/*
 * Owns what is known of a device before it is parked.
 */

/* What a device carries from the worker that had it before. */
typedef struct {
    uint64_t                      token;    /* 0: it is new */
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
    ngx_uint_t                    superseded;   /* its last response was */
    uint64_t                      since;    /* when its request came */
    ngx_pimap_loc_conf_t         *conf;
    ngx_uint_t                    ping;
    ngx_uint_t                    closeafter;
    uint32_t                      issued;
    uint32_t                      expires;
    ngx_uint_t                    revocable;
    ngx_uint_t                    unproven;     /* it may be revoked */
    ngx_str_t                     updates;      /* that the login allows */
    ngx_msec_t                    wait;         /* of a poll */
    u_char                        address[16];
    ngx_uint_t                    counted;      /* by ngx_pimap_limit.c */
    ngx_pimap_kind_t              kind;
    ngx_pimap_format_t            format;
    ngx_pimap_input_t             input;
    off_t                         length;       /* of the body, 0: chunks */
    ngx_pimap_coding_t            coding;
    const char                   *extensions;   /* of a WebSocket, or NULL */
    ngx_pimap_carried_t           carried;
} ngx_pimap_park_request_t;


/*
 * ngx_pimap_limit.c: Owns how many devices may be parked, over all workers.
 */

/*
 * Counts a device.  NGX_BUSY: "pimap_max_devices" is reached, or too few
 * connections are free; it is logged.  NGX_DECLINED with "problem" set: the
 * limit of the account or the address is reached.  The caller of each NGX_OK
 * has to call ngx_pimap_limit_release() once.
 */
ngx_int_t ngx_pimap_limit_admit(ngx_pimap_park_request_t *request,
    ngx_log_t *log, const char **problem);

/* Counts a device that was admitted by another worker. */
void ngx_pimap_limit_take(ngx_pimap_park_request_t *request);

/* Under the keys that were counted: "counted" of the request. */
void ngx_pimap_limit_release(ngx_str_t *account, ngx_str_t *device,
    u_char *address, ngx_uint_t counted);

/* The hash of an account's name, which no client can choose. */
uint64_t ngx_pimap_limit_account(ngx_str_t *account);

/* 16 bytes, IPv4 as ::ffff:a.b.c.d; all zero if there is no address. */
void ngx_pimap_limit_address(struct sockaddr *sockaddr, u_char *address);

/* Writes up to NGX_INET6_ADDRSTRLEN bytes; the length. */
size_t ngx_pimap_limit_address_text(u_char *address, u_char *text);


/*
 * ngx_pimap_filter.c: Owns which events a device wants: types of RFC 8620,
 * mailboxes, collections, names of events.  A filter is compared for each
 * event and device, so it is flat bytes.
 */

#define NGX_PIMAP_FILTER_MAX_SIZE   4096    /* bytes of one device's filter */

/*
 * One allocation of "size" bytes without pointers, so that it can be copied
 * and sent.  A device that wants all events has NULL.
 */
struct ngx_pimap_filter_s {
    uint32_t      types;                    /* PIMAP_TYPES_ALL: any event */
    uint16_t      size;
    uint16_t      nmailboxes;
    uint16_t      ncollections;
    uint16_t      nevents;
    u_char        names[1];                 /* u16 length, bytes; mailboxes
                                               first, collections, events */
};

/*
 * Builds a filter of arrays of ngx_str_t (each may be NULL: any).
 * NGX_OK, NGX_DECLINED if it would be too large, NGX_ERROR if memory is out;
 * *filter is NULL when everything passes.  Freed with ngx_free().
 */
ngx_int_t ngx_pimap_filter_create(ngx_pimap_filter_t **filter,
    uint32_t types, ngx_array_t *mailboxes, ngx_array_t *collections,
    ngx_array_t *events, ngx_log_t *log);

/* NGX_OK if the bytes of another worker are a filter of that size. */
ngx_int_t ngx_pimap_filter_check(ngx_pimap_filter_t *filter, size_t len);

/* A copy; NULL: no memory. */
ngx_pimap_filter_t *ngx_pimap_filter_clone(ngx_pimap_filter_t *filter,
    ngx_log_t *log);

/* True if the event passes. */
ngx_uint_t ngx_pimap_filter_match(ngx_pimap_filter_t *filter,
    pimap_event_t *ev);


#endif /* _NGX_PIMAP_PARK_REQUEST_H_INCLUDED_ */
