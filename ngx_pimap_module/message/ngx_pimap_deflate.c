
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the worker's only compressor (264 kB), which is created at its first
 * use.  Called by compressed_stream, the WebSocket encoder and the poll
 * transport.  Invariant: it is reset before each call and gets the decoder's
 * bytes, so its output is good for all devices with the same bytes.
 */


#include "ngx_pimap_deflate.h"

#include <zlib.h>


static ngx_int_t ngx_pimap_deflate_ready(size_t len);
static ngx_int_t ngx_pimap_deflate_before(ngx_str_t *before, size_t gap);


const char  *ngx_pimap_codings[NGX_PIMAP_NCODINGS] = {
    "identity", "gzip", "deflate"
};

static z_stream   ngx_pimap_deflate_stream;
static u_char    *ngx_pimap_deflate_window;     /* NULL: not ready */
static u_char    *ngx_pimap_deflate_buffer;
static size_t     ngx_pimap_deflate_size;


ngx_int_t
ngx_pimap_deflate(ngx_str_t *to, ngx_str_t *before, size_t gap,
    ngx_str_t *data, ngx_uint_t last)
{
    int        rc;
    z_stream  *z;

    z = &ngx_pimap_deflate_stream;

    if (ngx_pimap_deflate_ready(data->len) != NGX_OK
        || ngx_pimap_deflate_before(before, gap) != NGX_OK)
    {
        return NGX_ERROR;
    }

    z->next_in = data->data;
    z->avail_in = (uInt) data->len;

    rc = deflate(z, last ? Z_FINISH : Z_SYNC_FLUSH);

    if (rc != (last ? Z_STREAM_END : Z_OK) || z->avail_in
        || z->avail_out == 0)
    {
        return NGX_ERROR;
    }

    to->data = ngx_pimap_deflate_buffer;
    to->len = ngx_pimap_deflate_size - z->avail_out;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_deflate_ready(size_t len)
{
    u_char    *p;
    size_t     size;
    z_stream  *z;

    z = &ngx_pimap_deflate_stream;

    if (ngx_pimap_deflate_window == NULL) {

        p = ngx_alloc(NGX_PIMAP_DEFLATE_WINDOW, ngx_cycle->log);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(z, sizeof(z_stream));

        if (deflateInit2(z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS,
                         MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY)
            != Z_OK)
        {
            ngx_free(p);
            return NGX_ERROR;
        }

        ngx_pimap_deflate_window = p;
    }

    /* with the empty block of a flush */

    size = deflateBound(z, len) + 16;

    if (size > ngx_pimap_deflate_size) {

        p = ngx_alloc(size, ngx_cycle->log);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (ngx_pimap_deflate_buffer) {
            ngx_free(ngx_pimap_deflate_buffer);
        }

        ngx_pimap_deflate_buffer = p;
        ngx_pimap_deflate_size = size;
    }

    z->next_out = ngx_pimap_deflate_buffer;
    z->avail_out = (uInt) ngx_pimap_deflate_size;

    return deflateReset(z) == Z_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_pimap_deflate_before(ngx_str_t *before, size_t gap)
{
    size_t   len;
    u_char  *p;

    if (before == NULL || gap >= NGX_PIMAP_DEFLATE_WINDOW) {
        return NGX_OK;
    }

    len = ngx_min(before->len, NGX_PIMAP_DEFLATE_WINDOW - gap);
    p = before->data + before->len - len;

    if (gap) {
        ngx_memcpy(ngx_pimap_deflate_window, p, len);
        ngx_memzero(ngx_pimap_deflate_window + len, gap);

        p = ngx_pimap_deflate_window;
        len += gap;
    }

    return deflateSetDictionary(&ngx_pimap_deflate_stream, p, (uInt) len)
           == Z_OK ? NGX_OK : NGX_ERROR;
}


/*
 * The compressor has a window of 32 kB.  A full flush limits references to a
 * smaller one, because nothing after it refers to bytes before it.
 */

ngx_int_t
ngx_pimap_deflate_message(ngx_str_t *to, ngx_str_t *data)
{
    size_t     left, flushes;
    z_stream  *z;

    z = &ngx_pimap_deflate_stream;

    left = data->len;
    flushes = left / NGX_PIMAP_DEFLATE_PIECE + 1;

    if (ngx_pimap_deflate_ready(left + 16 * flushes) != NGX_OK) {
        return NGX_ERROR;
    }

    z->next_in = data->data;

    do {
        z->avail_in = (uInt) ngx_min(left, NGX_PIMAP_DEFLATE_PIECE);
        left -= z->avail_in;

        if (deflate(z, left ? Z_FULL_FLUSH : Z_SYNC_FLUSH) != Z_OK
            || z->avail_in || z->avail_out == 0)
        {
            return NGX_ERROR;
        }

    } while (left);

    /* the last four bytes of a flush are the same in each message */

    to->data = ngx_pimap_deflate_buffer;
    to->len = ngx_pimap_deflate_size - z->avail_out - 4;

    return NGX_OK;
}


u_char *
ngx_pimap_deflate_head(u_char *p, ngx_pimap_coding_t coding)
{
    /* RFC 1952, 2.3: no name, no time, made on Unix */

    static u_char  gzip[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };

    /* RFC 1950, 2.2: a window of 32 kB, the default level */

    static u_char  zlib[2] = { 0x78, 0x9c };

    if (coding == NGX_PIMAP_GZIP) {
        return ngx_cpymem(p, gzip, sizeof(gzip));
    }

    return ngx_cpymem(p, zlib, sizeof(zlib));
}


u_char *
ngx_pimap_deflate_last(u_char *p)
{
    /* RFC 1951, 3.2.3: fixed codes, and the end of the block */

    *p++ = 0x03;
    *p++ = 0x00;

    return p;
}


u_char *
ngx_pimap_deflate_tail(u_char *p, ngx_pimap_coding_t coding, uint32_t check,
    uint32_t length)
{
    ngx_uint_t  i, gzip;

    gzip = (coding == NGX_PIMAP_GZIP);

    for (i = 0; i < 4; i++) {
        *p++ = (u_char) (check >> (gzip ? 8 * i : 24 - 8 * i));
    }

    for (i = 0; gzip && i < 4; i++) {
        *p++ = (u_char) (length >> (8 * i));
    }

    return p;
}


uint32_t
ngx_pimap_deflate_check(ngx_pimap_coding_t coding, uint32_t check,
    ngx_str_t *data)
{
    uLong  (*sum)(uLong check, const Bytef *data, uInt len);

    sum = (coding == NGX_PIMAP_GZIP) ? crc32 : adler32;

    return (uint32_t) (data ? sum(check, data->data, (uInt) data->len)
                            : sum(0, NULL, 0));
}


void
ngx_pimap_deflate_exit_process(void)
{
    if (ngx_pimap_deflate_window) {
        (void) deflateEnd(&ngx_pimap_deflate_stream);
        ngx_free(ngx_pimap_deflate_window);
        ngx_pimap_deflate_window = NULL;
    }

    if (ngx_pimap_deflate_buffer) {
        ngx_free(ngx_pimap_deflate_buffer);
        ngx_pimap_deflate_buffer = NULL;
        ngx_pimap_deflate_size = 0;
    }
}
