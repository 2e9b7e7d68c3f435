
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "imap_compress.h"

#include <stdlib.h>
#include <zlib.h>

#include "bridge.h"


#define IMAP_COMPRESS_CHUNK  4096        /* of what is unpacked at a time */


struct imap_compress_s {
    z_stream    out;
    z_stream    in;
};


imap_compress_t *
imap_compress_create(void)
{
    imap_compress_t  *d;

    d = bridge_alloc(sizeof(imap_compress_t));

    /* what we say is short; a server may use all of its 32 kB */

    if (deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -9, 1,
                     Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        free(d);
        return NULL;
    }

    if (inflateInit2(&d->in, -15) != Z_OK) {
        deflateEnd(&d->out);
        free(d);
        return NULL;
    }

    return d;
}


void
imap_compress_pack(imap_compress_t *d, bridge_buffer_t *b, const char *data,
    size_t len)
{
    d->out.next_in = (Bytef *) data;
    d->out.avail_in = len;

    do {
        d->out.next_out = (Bytef *) bridge_buffer_need(b, 256);
        d->out.avail_out = b->size - b->len;

        if (deflate(&d->out, Z_SYNC_FLUSH) == Z_STREAM_ERROR) {
            return;
        }

        b->len = b->size - d->out.avail_out;

    } while (d->out.avail_out == 0);
}


int
imap_compress_unpack(imap_compress_t *d, bridge_buffer_t *b, imap_str_t *bytes)
{
    int  rc;

    d->in.next_in = (Bytef *) bytes->data;
    d->in.avail_in = bytes->len;
    d->in.next_out = (Bytef *) bridge_buffer_need(b, IMAP_COMPRESS_CHUNK);
    d->in.avail_out = IMAP_COMPRESS_CHUNK;

    rc = inflate(&d->in, Z_SYNC_FLUSH);

    b->len += IMAP_COMPRESS_CHUNK - d->in.avail_out;

    bytes->data = (char *) d->in.next_in;
    bytes->len = d->in.avail_in;

    if (rc != Z_OK && rc != Z_BUF_ERROR) {
        return -1;
    }

    return bytes->len > 0 || d->in.avail_out == 0;
}


void
imap_compress_free(imap_compress_t *d)
{
    deflateEnd(&d->out);
    inflateEnd(&d->in);
    free(d);
}
