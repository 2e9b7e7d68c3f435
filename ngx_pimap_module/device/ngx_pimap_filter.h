
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Which events a device wants: RFC 8620's types, mailboxes, collections, event
 * names.
 */


#ifndef _NGX_PIMAP_FILTER_H_INCLUDED_
#define _NGX_PIMAP_FILTER_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"
#include "pimap_types.h"


#define NGX_PIMAP_FILTER_MAX_SIZE   4096    /* bytes of one device's filter */


/*
 * Plain data, one allocation: "size" bytes from the struct's begin, so that
 * it can be copied and sent.  A device without a filter has NULL.
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

/*
 * NGX_OK if these bytes, which have come from elsewhere, are a filter of just
 * that size.
 */
ngx_int_t ngx_pimap_filter_check(ngx_pimap_filter_t *filter, size_t len);

/* Another one as this one; NULL if memory is out. */
ngx_pimap_filter_t *ngx_pimap_filter_clone(ngx_pimap_filter_t *filter,
    ngx_log_t *log);

/* True if the event passes. */
ngx_uint_t ngx_pimap_filter_match(ngx_pimap_filter_t *filter,
    pimap_event_t *ev);


#endif /* _NGX_PIMAP_FILTER_H_INCLUDED_ */
