
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Dictionaries: the last events of a compressed stream, as bytes.  A stream
 * has only the serial of its dictionary, so that the least recently used ones
 * can make room for new ones.
 */


#ifndef _NGX_PIMAP_DICTIONARY_H_INCLUDED_
#define _NGX_PIMAP_DICTIONARY_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_DICTIONARY_EVENTS  7
#define NGX_PIMAP_DICTIONARY_BYTES   2048   /* of these events together */


struct ngx_pimap_dictionary_s {
    ngx_queue_t              used;
    ngx_pimap_dictionary_t  *chain;     /* of its hash slot */
    uint64_t                 serial;    /* of this worker's, not 0 */
    uint64_t                 before;    /* it was made from; 0: none */
    uint64_t                 next;      /* that ends with the same message */
    uint16_t                 n;         /* events */
    uint16_t                 len;
    uint16_t                 lens[NGX_PIMAP_DICTIONARY_EVENTS]; /* newest
                                                                   first */
    u_char                   bytes[1];  /* the oldest event first */
};


/*
 * The dictionary with one more event, of NGX_PIMAP_DICTIONARY_BYTES at most;
 * serial 0 or a forgotten one: with this event alone.  Returns a serial, or 0
 * if memory is out.  Others are forgotten while all take more than "room".
 */
uint64_t ngx_pimap_dictionary_add(uint64_t serial,
    ngx_pimap_message_t *message, size_t room, ngx_log_t *log);

/* Valid until the next add().  NULL: none, or it was forgotten. */
ngx_pimap_dictionary_t *ngx_pimap_dictionary_find(uint64_t serial);

/*
 * The decoder's bytes up to its last event, where gaps[i] bytes followed each
 * event, newest first: NULs stand for these.  Events too far back are left
 * out.  Valid until the next call.
 */
void ngx_pimap_dictionary_bytes(ngx_pimap_dictionary_t *dictionary,
    uint16_t *gaps, ngx_str_t *bytes);


#endif /* _NGX_PIMAP_DICTIONARY_H_INCLUDED_ */
