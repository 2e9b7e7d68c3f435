
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The compressed stream of a device: which dictionary its decoder has, the
 * bytes that came after each event of it, and a checksum.
 */


#ifndef _NGX_PIMAP_COMPRESSED_STREAM_H_INCLUDED_
#define _NGX_PIMAP_COMPRESSED_STREAM_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_message.h"


typedef struct {
    uint64_t             dictionary;    /* its serial; 0: none */
    uint32_t             check;
    uint32_t             length;
    uint16_t             gaps[NGX_PIMAP_DICTIONARY_EVENTS]; /* newest first */
    uint8_t              coding;        /* ngx_pimap_coding_t */
    unsigned             begun:1;       /* the head is sent */
    unsigned             alone:1;       /* without a dictionary */
} ngx_pimap_compressed_stream_t;


/* Bytes for all dictionaries: so many for a device, but not under "least". */
void ngx_pimap_compressed_stream_init_process(size_t memory, size_t least);

void ngx_pimap_compressed_stream_init(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_coding_t coding, ngx_uint_t alone);

/* Goes on with another worker's stream, without its dictionary. */
void ngx_pimap_compressed_stream_resume(ngx_pimap_compressed_stream_t *stream,
    uint32_t check, uint32_t length);

/*
 * The compressed message, one reference of which is the caller's; NULL if
 * memory is out.
 */
ngx_pimap_message_t *ngx_pimap_compressed_stream_compress(
    ngx_pimap_compressed_stream_t *stream, ngx_pimap_message_t *message,
    ngx_log_t *log);

/* To be called after the compressed message has been sent. */
void ngx_pimap_compressed_stream_add(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_message_t *message);

/* The last bytes of the stream; likewise a reference or NULL. */
ngx_pimap_message_t *ngx_pimap_compressed_stream_end(
    ngx_pimap_compressed_stream_t *stream, ngx_log_t *log);

void ngx_pimap_compressed_stream_free(ngx_pimap_compressed_stream_t *stream);


#endif /* _NGX_PIMAP_COMPRESSED_STREAM_H_INCLUDED_ */
