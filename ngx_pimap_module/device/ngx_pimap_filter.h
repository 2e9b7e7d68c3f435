
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns which events a device wants: types of RFC 8620, mailboxes, collections,
 * names of events.  A filter is compared for each event and device, so it is
 * flat bytes.
 */


#ifndef _NGX_PIMAP_FILTER_H_INCLUDED_
#define _NGX_PIMAP_FILTER_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"
#include "pimap_types.h"


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


#endif /* _NGX_PIMAP_FILTER_H_INCLUDED_ */
