
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: devices get and miss messages in any order, with pings and
 * hand-overs between, and memory runs out.  Each compressed stream decodes to
 * the sent bytes, and ends with a valid trailer.  Two bytes are a step.
 *
 * Reaches: fuzz_decode, fuzz_hand_over, ngx_pimap_compressed_stream_resume,
 *     ngx_pimap_dictionary_keep, ngx_pimap_dictionary_forget.
 */


#include "fuzz.h"
#include <zlib.h>

#include "ngx_pimap_compressed_stream.h"
#include "ngx_pimap_zone.h"


#define FUZZ_DEVICES        6
#define FUZZ_MESSAGE           9000


typedef struct {
    ngx_pimap_compressed_stream_t   stream;
    z_stream              z;
} fuzz_device_t;


/* The parts of nginx that the code needs. */

static ngx_cycle_t             fuzz_cycle;
static ngx_pimap_counters_t    fuzz_counters;

volatile ngx_cycle_t          *ngx_cycle = &fuzz_cycle;
ngx_pimap_counters_t          *ngx_pimap_counters = &fuzz_counters;

static unsigned                fuzz_memory;     /* until a failure; 0: none */
static fuzz_device_t           fuzz_devices[FUZZ_DEVICES];


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    if (fuzz_memory && --fuzz_memory == 0) {
        return NULL;
    }

    return malloc(size);
}


/* A chunk's length. */

u_char * ngx_cdecl
ngx_sprintf(u_char *buf, const char *fmt, ...)
{
    va_list  args;

    fuzz_check(strcmp(fmt, "%xz" CRLF) == 0);

    va_start(args, fmt);
    buf += snprintf((char *) buf, 19, "%zx" CRLF, va_arg(args, size_t));
    va_end(args);

    return buf;
}


static void
fuzz_start(fuzz_device_t *d, unsigned n)
{
    memset(d, 0, sizeof(fuzz_device_t));

    ngx_pimap_compressed_stream_init(&d->stream, n % 2 ? NGX_PIMAP_GZIP
                                              : NGX_PIMAP_DEFLATE, n == 0);

    fuzz_check(inflateInit2(&d->z, 15 + (n % 2 ? 16 : 0)) == Z_OK);
}


static void
fuzz_stop(fuzz_device_t *d)
{
    ngx_pimap_compressed_stream_free(&d->stream);
    (void) inflateEnd(&d->z);
}


/* Decompression gives exactly these bytes, and this state of the stream. */

static void
fuzz_decode(fuzz_device_t *d, ngx_pimap_message_t *compressed,
    const u_char *plain, size_t len, int expected)
{
    int            rc;
    static u_char  out[FUZZ_MESSAGE + 1];

    d->z.next_in = compressed->data;
    d->z.avail_in = compressed->len;
    d->z.next_out = out;
    d->z.avail_out = sizeof(out);

    rc = inflate(&d->z, Z_SYNC_FLUSH);

    fuzz_check(rc == expected);
    fuzz_check(d->z.avail_in == 0);
    fuzz_check(sizeof(out) - d->z.avail_out == len);
    fuzz_check(len == 0 || memcmp(out, plain, len) == 0);
}


/* A device that gets no message starts again, as with another request. */

static void
fuzz_send(unsigned n, ngx_pimap_message_t *message)
{
    fuzz_device_t           *d;
    ngx_pimap_message_t     *compressed;
    ngx_pimap_dictionary_t  *dictionary;

    d = &fuzz_devices[n];

    compressed = ngx_pimap_compressed_stream_compress(&d->stream, message,
                                                      NULL);

    if (compressed == NULL) {
        fuzz_stop(d);
        fuzz_start(d, n);
        return;
    }

    fuzz_decode(d, compressed, message->data, message->len, Z_OK);

    ngx_pimap_compressed_stream_add(&d->stream, message);
    ngx_pimap_message_unref(compressed);

    dictionary = ngx_pimap_dictionary_find(d->stream.dictionary);

    fuzz_check(dictionary == NULL
               || dictionary->len <= NGX_PIMAP_DICTIONARY_BYTES);
}


/* About ten characters, repeated with variations. */

static ngx_pimap_message_t *
fuzz_message(unsigned what, unsigned how)
{
    size_t                i, len;
    uint32_t              chance;
    ngx_pimap_message_t  *message;

    static const size_t  lens[8] = {
        1, 38, 150, 300, 600, 1100, 2049, FUZZ_MESSAGE
    };

    len = lens[how & 7];

    message = ngx_pimap_message_create(len, NULL);
    if (message == NULL) {
        return NULL;
    }

    chance = how >> 3;

    for (i = 0; i < len; i++) {
        chance = chance * 1103515245 + 12345;
        message->data[i] = (u_char) ('A' + (i + what / 64) % 10
                                     + (((chance >> 16) % 16) ? 0 : 10));
    }

    return message;
}


static void
fuzz_event(unsigned what, unsigned how)
{
    unsigned              n, filter;
    ngx_pimap_message_t  *message;

    message = fuzz_message(what, how);
    if (message == NULL) {
        return;
    }

    ngx_pimap_message_mark(message, NGX_PIMAP_MESSAGE_EVENT, NULL);

    /* all, or all but two */

    filter = what / 8 % 8;

    for (n = 0; n < FUZZ_DEVICES; n++) {
        if (n != filter && n != filter + 2) {
            fuzz_send(n, message);
        }
    }

    ngx_pimap_message_compressed_free(message);
    ngx_pimap_message_unref(message);
}


static void
fuzz_ping(unsigned what, unsigned how)
{
    ngx_pimap_message_t  *message;

    message = fuzz_message(what, how);

    if (message) {
        fuzz_send(what / 8 % FUZZ_DEVICES, message);
        ngx_pimap_message_unref(message);
    }
}


/* The state that another worker gets. */

static void
fuzz_hand_over(fuzz_device_t *d, unsigned n)
{
    ngx_pimap_compressed_stream_t  stream;

    if (!d->stream.begun) {
        return;
    }

    stream = d->stream;

    ngx_pimap_compressed_stream_free(&d->stream);
    ngx_pimap_compressed_stream_init(&d->stream, stream.coding, n == 0);
    ngx_pimap_compressed_stream_resume(&d->stream, stream.check,
                                       stream.length);
}


static void
fuzz_end(fuzz_device_t *d, unsigned n)
{
    ngx_pimap_message_t  *message;

    message = ngx_pimap_compressed_stream_end(&d->stream, NULL);

    if (message) {
        fuzz_decode(d, message, NULL, 0, Z_STREAM_END);
        ngx_pimap_message_unref(message);
    }

    fuzz_stop(d);
    fuzz_start(d, n);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t    i;
    unsigned  n, what, how;

    fuzz_memory = 0;

    /* the first event evicts the dictionaries of the last input */

    ngx_pimap_compressed_stream_init_process(0, size % 8192);

    for (n = 0; n < FUZZ_DEVICES; n++) {
        fuzz_start(&fuzz_devices[n], n);
    }

    for (i = 0; i + 1 < size; i += 2) {
        what = data[i];
        how = data[i + 1];
        n = what / 8 % FUZZ_DEVICES;

        switch (what % 8) {
        case 0:
        case 1:
            fuzz_ping(what, how);
            break;
        case 2:
            fuzz_hand_over(&fuzz_devices[n], n);
            break;
        case 3:
            fuzz_end(&fuzz_devices[n], n);
            break;
        case 4:
            fuzz_memory = 1 + how % 32;
            break;
        default:
            fuzz_event(what, how);
        }
    }

    fuzz_memory = 0;

    for (n = 0; n < FUZZ_DEVICES; n++) {
        fuzz_end(&fuzz_devices[n], n);
        fuzz_stop(&fuzz_devices[n]);
    }

    return 0;
}
