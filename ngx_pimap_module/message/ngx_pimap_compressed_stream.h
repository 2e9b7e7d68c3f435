
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What a device's compressed stream remembers between two texts: a reference
 * to the last events, how many bytes came since each, and a checksum.
 */


#ifndef _NGX_PIMAP_HISTORY_H_INCLUDED_
#define _NGX_PIMAP_HISTORY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_message.h"


typedef struct {
    uint64_t             trail;     /* the last events; 0: none */
    uint32_t             check;
    uint32_t             length;
    uint16_t             gaps[NGX_PIMAP_DICTIONARY_EVENTS];  /* after each event */
    uint8_t              coding;    /* ngx_pimap_coding_t */
    unsigned             begun:1;   /* the head is out */
    unsigned             alone:1;   /* no event refers to another one */
} ngx_pimap_compressed_stream_t;


/* Bytes that all last events may take: so many for a device, or "least". */
void ngx_pimap_compressed_stream_init_process(size_t memory, size_t least);

void ngx_pimap_compressed_stream_init(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_coding_t coding, ngx_uint_t alone);

/* It goes on from another worker's; the last events are not known here. */
void ngx_pimap_compressed_stream_resume(ngx_pimap_compressed_stream_t *history,
    uint32_t check, uint32_t length);

/*
 * The text as it is sent next, one reference of which is the caller's; NULL
 * if memory is out.  Devices with the same history share it.
 */
ngx_pimap_message_t *ngx_pimap_compressed_stream_pack(ngx_pimap_compressed_stream_t *history, ngx_pimap_message_t *text, ngx_log_t *log);

/* The packed text has been sent. */
void ngx_pimap_compressed_stream_add(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_message_t *text);

/* What ends the stream, likewise. */
ngx_pimap_message_t *ngx_pimap_compressed_stream_end(ngx_pimap_compressed_stream_t *history, ngx_log_t *log);

void ngx_pimap_compressed_stream_free(ngx_pimap_compressed_stream_t *history);


#endif /* _NGX_PIMAP_HISTORY_H_INCLUDED_ */
