
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The last events of a stream, as bytes: what the next one is compressed with.
 * Never changed once it is made, and shared by devices that have got the same
 * events, whatever else came to them in between.  Who has a trail has its
 * serial only: those that were used longest ago make room for new ones.
 */


#ifndef _NGX_PIMAP_TRAIL_H_INCLUDED_
#define _NGX_PIMAP_TRAIL_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_DICTIONARY_EVENTS  7
#define NGX_PIMAP_DICTIONARY_BYTES   2048    /* of these events together */


struct ngx_pimap_dictionary_s {
    ngx_queue_t         used;
    ngx_pimap_dictionary_t  *chain;          /* of its slot */
    uint64_t            serial;         /* of this worker's trails, not 0 */
    uint64_t            before;         /* what it was made from, or 0 */
    uint64_t            next;           /* of the text that it ends with */
    uint16_t            n;              /* events */
    uint16_t            len;
    uint16_t            lens[NGX_PIMAP_DICTIONARY_EVENTS];   /* newest first */
    u_char              bytes[1];       /* the oldest event first */
};


/*
 * The trail of that serial, or none if it is 0 or forgotten, with one more
 * event of NGX_PIMAP_DICTIONARY_BYTES at most: its serial, or 0 if memory is out.
 * Others are forgotten while all together take more than "room" bytes.
 */
uint64_t ngx_pimap_dictionary_add(uint64_t serial, ngx_pimap_message_t *text,
    size_t room, ngx_log_t *log);

/* Good until the next add().  NULL: none, or it was forgotten. */
ngx_pimap_dictionary_t *ngx_pimap_dictionary_find(uint64_t serial);

/*
 * The bytes of a decoder up to its last event, when so many others have
 * followed each event, newest first: NULs stand for these.  What is too far
 * back is left out.  Good until the next call.
 */
void ngx_pimap_dictionary_bytes(ngx_pimap_dictionary_t *trail, uint16_t *gaps,
    ngx_str_t *bytes);


#endif /* _NGX_PIMAP_TRAIL_H_INCLUDED_ */
