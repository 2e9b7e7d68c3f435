
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: clients send any compressed messages (garbage, bombs, cut
 * messages, references to an earlier message), and memory runs out at any
 * time.  The worker's decompressor gives the same result for each as a new
 * zlib stream, within the limit.
 *
 * A message is a byte that selects how it is made, a byte for the limit, a
 * byte for its length, and that many bytes.
 *
 * Reaches: fuzz_expected, fuzz_client, ngx_pimap_inflate_grow.
 */


#include "fuzz.h"
#include <zlib.h>

#include "ngx_pimap_inflate.h"


#define FUZZ_LIMIT          20000
#define FUZZ_TEXT           (255 * 64)
#define FUZZ_PACKED         (2 * FUZZ_TEXT)

#define FUZZ_BETWEEN        128         /* z_stream's data_type */


/* The parts of nginx that the code needs. */

static ngx_cycle_t      fuzz_cycle;

volatile ngx_cycle_t   *ngx_cycle = &fuzz_cycle;

static unsigned         fuzz_memory;    /* until a failure; 0: none */

static z_stream         fuzz_deflate;   /* of a client with a dictionary */
static u_char           fuzz_text[FUZZ_TEXT];
static u_char           fuzz_packed[FUZZ_PACKED];
static u_char           fuzz_out[FUZZ_LIMIT + 1];


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    if (fuzz_memory && --fuzz_memory == 0) {
        return NULL;
    }

    return malloc(size);
}


/* The expected result, from a decompressor without earlier messages. */

static ngx_int_t
fuzz_expected(u_char *data, size_t len, size_t limit, size_t *made)
{
    int        rc, type;
    u_char    *whole;
    z_stream   z;

    memset(&z, 0, sizeof(z_stream));
    fuzz_check(inflateInit2(&z, -15) == Z_OK);

    whole = malloc(len + 4);
    fuzz_check(whole);

    memcpy(whole, data, len);
    memcpy(whole + len, "\x00\x00\xff\xff", 4);

    z.next_in = whole;
    z.avail_in = (uInt) len + 4;
    z.next_out = fuzz_out;
    z.avail_out = (uInt) limit + 1;

    while ((rc = inflate(&z, Z_SYNC_FLUSH)) == Z_STREAM_END && z.avail_in
           && z.avail_out)
    {
        fuzz_check(inflateReset(&z) == Z_OK);
    }

    *made = limit + 1 - z.avail_out;
    type = z.data_type;

    (void) inflateEnd(&z);
    free(whole);

    if (*made > limit) {
        return NGX_BUSY;
    }

    return rc == Z_OK && type == FUZZ_BETWEEN ? NGX_OK : NGX_DECLINED;
}


/* "text" is the expected result, unless it is NULL. */

static void
fuzz_message(u_char *data, size_t len, size_t limit, const u_char *text,
    size_t text_len)
{
    size_t     made;
    u_char    *copy;
    ngx_int_t  rc, expected;
    ngx_str_t  in, out;

    /* no byte after it is read */

    copy = malloc(len ? len : 1);
    fuzz_check(copy);
    memcpy(copy, data, len);

    in.data = copy;
    in.len = len;
    expected = fuzz_expected(data, len, limit, &made);

    rc = ngx_pimap_inflate(&out, &in, limit);

    if (rc == NGX_ERROR) {
        rc = ngx_pimap_inflate(&out, &in, limit);
    }

    free(copy);

    fuzz_check(rc == expected);

    if (rc == NGX_OK) {
        fuzz_check(out.len == made && memcmp(out.data, fuzz_out, made) == 0);
    }

    if (text) {
        fuzz_check(rc == (text_len > limit ? NGX_BUSY : NGX_OK));
        fuzz_check(rc == NGX_BUSY || (out.len == text_len
                   && memcmp(out.data, text, text_len) == 0));
    }
}


/* With one stream for all messages, or each by itself; then cut or changed. */

static void
fuzz_client(unsigned how, size_t limit, fuzz_in_t *in, size_t len)
{
    size_t    n, text_len, packed_len;
    z_stream  *z;

    z = &fuzz_deflate;
    text_len = len * (how & 0x40 ? 64 : 1);

    for (n = 0; n < text_len; n++) {
        fuzz_text[n] = in->p[n % len];
    }

    in->p += len;

    if (how & 0x04) {
        fuzz_check(deflateReset(z) == Z_OK);
    }

    z->next_out = fuzz_packed;
    z->avail_out = sizeof(fuzz_packed);

    (void) deflateParams(z, how & 0x20 ? 9 : 0, how & 0x80 ? Z_FIXED
                                                           : Z_RLE);
    n = how & 0x10 ? text_len / 2 : text_len;

    z->next_in = fuzz_text;
    z->avail_in = (uInt) n;
    fuzz_check(deflate(z, Z_FULL_FLUSH) == Z_OK);

    z->avail_in = (uInt) (text_len - n);
    (void) deflate(z, Z_SYNC_FLUSH);
    fuzz_check(z->avail_in == 0 && z->avail_out);

    packed_len = sizeof(fuzz_packed) - z->avail_out;

    if (packed_len >= 4) {
        packed_len -= 4;
    }

    if (!(how & 0x08)) {
        fuzz_message(fuzz_packed, packed_len, limit,
                     how & 0x04 ? fuzz_text : NULL, text_len);
        return;
    }

    if (how & 0x01) {
        packed_len = packed_len * fuzz_byte(in) / 256;

    } else if (packed_len) {
        fuzz_packed[fuzz_byte(in) % packed_len] ^= 1 << how / 64;
    }

    fuzz_message(fuzz_packed, packed_len, limit, NULL, 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t     len, limit;
    unsigned   how;
    fuzz_in_t  in;

    in.p = data;
    in.last = data + size;

    memset(&fuzz_deflate, 0, sizeof(z_stream));
    fuzz_check(deflateInit2(&fuzz_deflate, 9, Z_DEFLATED, -15, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK);

    while (in.last - in.p > 3) {
        how = fuzz_byte(&in);
        limit = (size_t) 1 + fuzz_byte(&in) * (FUZZ_LIMIT / 256);
        len = fuzz_byte(&in);
        len = ngx_min(len, (size_t) (in.last - in.p));

        fuzz_memory = how % 8 == 7 ? 1 + how / 64 : 0;

        if (how & 0x02) {
            fuzz_message((u_char *) in.p, len, limit, NULL, 0);
            in.p += len;

        } else {
            fuzz_client(how, limit, &in, len);
        }
    }

    fuzz_memory = 0;

    (void) deflateEnd(&fuzz_deflate);
    ngx_pimap_inflate_exit_process();

    return 0;
}
