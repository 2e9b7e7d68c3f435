
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the worker's only decompressor (40 kB), which is created at its first
 * use.  Called by input_websocket.  Invariant: it is reset before each
 * message, and its buffer grows only with bytes that have come out.
 */


#include "ngx_pimap_inflate.h"

#include <zlib.h>


#define NGX_PIMAP_INFLATE_BUFFER   4096

/* zlib.h, inflate(): at the end of a block, no bits of a byte are left */
#define NGX_PIMAP_INFLATE_BETWEEN  128


static ngx_int_t ngx_pimap_inflate_part(u_char *data, size_t len,
    size_t limit);
static ngx_int_t ngx_pimap_inflate_grow(size_t limit);


static z_stream     ngx_pimap_inflate_stream;
static ngx_uint_t   ngx_pimap_inflate_ready;
static u_char      *ngx_pimap_inflate_buffer;
static size_t       ngx_pimap_inflate_size;
static size_t       ngx_pimap_inflate_len;


ngx_int_t
ngx_pimap_inflate(ngx_str_t *to, ngx_str_t *data, size_t limit)
{
    int         rc;
    ngx_int_t   done;
    z_stream   *z;

    /* 7.2.2, step 1 */

    static u_char  tail[4] = { 0x00, 0x00, 0xff, 0xff };

    z = &ngx_pimap_inflate_stream;

    if (!ngx_pimap_inflate_ready) {
        ngx_memzero(z, sizeof(z_stream));
        rc = inflateInit2(z, -MAX_WBITS);
        ngx_pimap_inflate_ready = (rc == Z_OK);

    } else {
        rc = inflateReset(z);
    }

    if (rc != Z_OK) {
        return NGX_ERROR;
    }

    ngx_pimap_inflate_len = 0;

    done = ngx_pimap_inflate_part(data->data, data->len, limit);

    if (done == NGX_OK) {
        done = ngx_pimap_inflate_part(tail, sizeof(tail), limit);
    }

    if (done != NGX_OK) {
        return done;
    }

    /* the message ends in the middle of a block */

    if (z->data_type != NGX_PIMAP_INFLATE_BETWEEN) {
        return NGX_DECLINED;
    }

    to->data = ngx_pimap_inflate_buffer;
    to->len = ngx_pimap_inflate_len;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_inflate_part(u_char *data, size_t len, size_t limit)
{
    int        rc;
    z_stream  *z;

    z = &ngx_pimap_inflate_stream;

    z->next_in = data;
    z->avail_in = (uInt) len;

    do {
        if (ngx_pimap_inflate_len == ngx_pimap_inflate_size
            && ngx_pimap_inflate_grow(limit) != NGX_OK)
        {
            return NGX_ERROR;
        }

        z->next_out = ngx_pimap_inflate_buffer + ngx_pimap_inflate_len;
        z->avail_out = (uInt) (ngx_pimap_inflate_size
                               - ngx_pimap_inflate_len);

        rc = inflate(z, Z_SYNC_FLUSH);

        ngx_pimap_inflate_len = ngx_pimap_inflate_size - z->avail_out;

        if (ngx_pimap_inflate_len > limit) {
            return NGX_BUSY;
        }

        /* 7.2.3.4: more blocks may follow a last block */

        if (rc == Z_STREAM_END) {
            rc = inflateReset(z);
        }

        if (rc == Z_MEM_ERROR) {
            return NGX_ERROR;
        }

        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return NGX_DECLINED;
        }

    } while (z->avail_in || z->avail_out == 0);

    return NGX_OK;
}


/* Doubles the buffer; one byte over the limit shows that it is exceeded. */

static ngx_int_t
ngx_pimap_inflate_grow(size_t limit)
{
    u_char  *p;
    size_t   size;

    size = ngx_max(2 * ngx_pimap_inflate_size, NGX_PIMAP_INFLATE_BUFFER);
    size = ngx_min(size, limit + 1);

    p = ngx_alloc(size, ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (ngx_pimap_inflate_buffer) {
        ngx_memcpy(p, ngx_pimap_inflate_buffer, ngx_pimap_inflate_len);
        ngx_free(ngx_pimap_inflate_buffer);
    }

    ngx_pimap_inflate_buffer = p;
    ngx_pimap_inflate_size = size;

    return NGX_OK;
}


void
ngx_pimap_inflate_exit_process(void)
{
    if (ngx_pimap_inflate_ready) {
        (void) inflateEnd(&ngx_pimap_inflate_stream);
        ngx_pimap_inflate_ready = 0;
    }

    if (ngx_pimap_inflate_buffer) {
        ngx_free(ngx_pimap_inflate_buffer);
        ngx_pimap_inflate_buffer = NULL;
        ngx_pimap_inflate_size = 0;
    }
}
