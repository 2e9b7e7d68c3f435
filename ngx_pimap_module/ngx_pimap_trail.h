
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The last events of a stream, as bytes: what the next one is compressed with.
 * Never changed once it is made, and shared by devices that have got the same
 * events, whatever else came to them in between.
 */


#ifndef _NGX_PIMAP_TRAIL_H_INCLUDED_
#define _NGX_PIMAP_TRAIL_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_TRAIL_EVENTS  7
#define NGX_PIMAP_TRAIL_BYTES   2048    /* of these events together */


struct ngx_pimap_trail_s {
    uint32_t            refs;
    uint16_t            n;              /* events */
    uint16_t            len;
    uint16_t            lens[NGX_PIMAP_TRAIL_EVENTS];   /* newest first */
    uint64_t            serial;         /* of this worker's trails, not 0 */
    uint64_t            before;         /* what it was made from, or 0 */
    ngx_pimap_trail_t  *next;           /* of the text that it ends with */
    u_char              bytes[1];       /* the oldest event first */
};


/*
 * The trail, or none if NULL, with one more event of NGX_PIMAP_TRAIL_BYTES at
 * most: one reference, which is the caller's.  NULL: memory is out.
 */
ngx_pimap_trail_t *ngx_pimap_trail_add(ngx_pimap_trail_t *trail,
    ngx_pimap_text_t *text, ngx_log_t *log);

/*
 * The bytes of a decoder up to its last event, when so many others have
 * followed each event, newest first: NULs stand for these.  What is too far
 * back is left out.  Good until the next call.
 */
void ngx_pimap_trail_bytes(ngx_pimap_trail_t *trail, uint16_t *gaps,
    ngx_str_t *bytes);

ngx_pimap_trail_t *ngx_pimap_trail_ref(ngx_pimap_trail_t *trail);
void ngx_pimap_trail_unref(ngx_pimap_trail_t *trail);


#endif /* _NGX_PIMAP_TRAIL_H_INCLUDED_ */
