
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Deflate (RFC 1951) in the formats of gzip (RFC 1952) and zlib (RFC 1950).
 * The caller keeps the state of a stream: its last bytes, checksum and length.
 */


#ifndef _NGX_PIMAP_DEFLATE_H_INCLUDED_
#define _NGX_PIMAP_DEFLATE_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_DEFLATE_WINDOW  32768
#define NGX_PIMAP_DEFLATE_PIECE   4096      /* of a message */
#define NGX_PIMAP_DEFLATE_HEAD    10        /* bytes, at most */
#define NGX_PIMAP_DEFLATE_TAIL    10


/* The codings of HTTP (RFC 9110, 8.4.1). */
typedef enum {
    NGX_PIMAP_IDENTITY = 0,
    NGX_PIMAP_GZIP,
    NGX_PIMAP_DEFLATE,                      /* zlib's format */
    NGX_PIMAP_NCODINGS
} ngx_pimap_coding_t;

extern const char  *ngx_pimap_codings[NGX_PIMAP_NCODINGS];


/*
 * Compresses "data" to whole bytes, or as the last block.  The decoder has the
 * bytes "before" and after them a gap, which has NULs here: our data has none,
 * so nothing refers to the gap.  "to" is valid until the next call.  NGX_ERROR
 * if memory is out.
 */
ngx_int_t ngx_pimap_deflate(ngx_str_t *to, ngx_str_t *before, size_t gap,
    ngx_str_t *data, ngx_uint_t last);

/*
 * A message without a dictionary (RFC 7692, 7.2.1), where nothing refers back
 * more than NGX_PIMAP_DEFLATE_PIECE bytes; likewise.
 */
ngx_int_t ngx_pimap_deflate_message(ngx_str_t *to, ngx_str_t *data);

/* The most bytes of a head, of "len" bytes in so many blocks, of a tail. */
#define ngx_pimap_deflate_size_max(len, blocks)                               \
    ((len) + (len) / 1024 + 32 * (blocks)                                     \
     + NGX_PIMAP_DEFLATE_HEAD + NGX_PIMAP_DEFLATE_TAIL)

/* The head of gzip or zlib, and the tail after the last block. */
u_char *ngx_pimap_deflate_head(u_char *p, ngx_pimap_coding_t coding);
u_char *ngx_pimap_deflate_tail(u_char *p, ngx_pimap_coding_t coding,
    uint32_t check, uint32_t length);

/* An empty last block. */
u_char *ngx_pimap_deflate_last(u_char *p);

/* The checksum with these bytes; the initial one if "data" is NULL. */
uint32_t ngx_pimap_deflate_check(ngx_pimap_coding_t coding, uint32_t check,
    ngx_str_t *data);

void ngx_pimap_deflate_exit_process(void);


#endif /* _NGX_PIMAP_DEFLATE_H_INCLUDED_ */
