
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the compressed stream of a device.  Called by the rooms device and
 * transport.  Invariant: a message refers only to the last events of its
 * stream, the dictionary, and not to the bytes between them, the gaps: nothing
 * of a gap is kept.  Devices with the same dictionary and gaps get the same
 * bytes, which hang off the message while it is delivered.
 */


#include "ngx_pimap_compressed_stream.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_COMPRESSED_STREAM_GAP  8192   /* bytes after an event */


static ngx_pimap_message_t *ngx_pimap_compressed_stream_create(
    ngx_pimap_compressed_stream_t *stream, ngx_pimap_dictionary_t *dictionary,
    ngx_pimap_message_t *message, ngx_log_t *log);
static void ngx_pimap_compressed_stream_event(
    ngx_pimap_compressed_stream_t *stream, ngx_pimap_message_t *message);
static void ngx_pimap_compressed_stream_clear(
    ngx_pimap_compressed_stream_t *stream);


static size_t      ngx_pimap_compressed_stream_memory;
static size_t      ngx_pimap_compressed_stream_least;
static ngx_uint_t  ngx_pimap_compressed_streams;    /* with a dictionary */


void
ngx_pimap_compressed_stream_init_process(size_t memory, size_t least)
{
    ngx_pimap_compressed_stream_memory = memory;
    ngx_pimap_compressed_stream_least = least;
}


void
ngx_pimap_compressed_stream_init(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_coding_t coding, ngx_uint_t alone)
{
    ngx_memzero(stream, sizeof(ngx_pimap_compressed_stream_t));

    stream->coding = (uint8_t) coding;
    stream->alone = alone;

    if (coding != NGX_PIMAP_IDENTITY) {
        stream->check = ngx_pimap_deflate_check(coding, 0, NULL);
        ngx_pimap_compressed_streams += !alone;
    }
}


void
ngx_pimap_compressed_stream_resume(ngx_pimap_compressed_stream_t *stream,
    uint32_t check, uint32_t length)
{
    stream->check = check;
    stream->length = length;
    stream->begun = 1;
}


ngx_pimap_message_t *
ngx_pimap_compressed_stream_compress(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_message_t *message, ngx_log_t *log)
{
    ngx_pimap_message_t      *compressed;
    ngx_pimap_dictionary_t   *dictionary;
    ngx_pimap_message_key_t   key;

    if (!stream->begun) {
        return ngx_pimap_compressed_stream_create(stream, NULL, message, log);
    }

    ngx_memzero(&key, sizeof(ngx_pimap_message_key_t));

    dictionary = ngx_pimap_dictionary_find(stream->dictionary);

    if (dictionary) {
        key.dictionary = stream->dictionary;
        ngx_memcpy(key.gaps, stream->gaps, dictionary->n * sizeof(uint16_t));

    } else if (stream->dictionary) {
        ngx_pimap_count(compressed_evicted);
        ngx_pimap_compressed_stream_clear(stream);
    }

    compressed = ngx_pimap_message_compressed_find(message, &key);

    if (compressed) {
        ngx_pimap_count(compressed_shared);
        return ngx_pimap_message_ref(compressed);
    }

    compressed = ngx_pimap_compressed_stream_create(stream, dictionary,
                                                    message, log);
    if (compressed) {
        ngx_pimap_message_compressed_add(message, &key, compressed);
    }

    return compressed;
}


static ngx_pimap_message_t *
ngx_pimap_compressed_stream_create(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_dictionary_t *dictionary, ngx_pimap_message_t *message,
    ngx_log_t *log)
{
    u_char               *p, head[NGX_PIMAP_DEFLATE_HEAD];
    size_t                head_len;
    ngx_str_t             before, data, block;
    ngx_pimap_message_t  *compressed;

    data.data = message->data;
    data.len = message->len;

    if (dictionary) {
        ngx_pimap_dictionary_bytes(dictionary, stream->gaps, &before);
    }

    if (ngx_pimap_deflate(&block, dictionary ? &before : NULL,
                          stream->gaps[0], &data, 0)
        != NGX_OK)
    {
        return NULL;
    }

    head_len = stream->begun
               ? 0 : ngx_pimap_deflate_head(head, stream->coding) - head;

    compressed = ngx_pimap_message_create(head_len + block.len, log);
    if (compressed == NULL) {
        return NULL;
    }

    p = ngx_cpymem(compressed->data, head, head_len);
    ngx_memcpy(p, block.data, block.len);

    ngx_pimap_count(compressed);

    return compressed;
}


void
ngx_pimap_compressed_stream_add(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_message_t *message)
{
    ngx_str_t  data;

    data.data = message->data;
    data.len = message->len;

    stream->check = ngx_pimap_deflate_check(stream->coding, stream->check,
                                            &data);
    stream->length += message->len;
    stream->begun = 1;

    ngx_pimap_count_n(compressed_plain_bytes, message->len);

    if (stream->alone) {
        return;
    }

    if (message->kind == NGX_PIMAP_MESSAGE_EVENT
        && message->len <= NGX_PIMAP_DICTIONARY_BYTES)
    {
        ngx_pimap_compressed_stream_event(stream, message);

    } else if (stream->dictionary == 0) {
        return;

    } else if (stream->gaps[0] + message->len
               > NGX_PIMAP_COMPRESSED_STREAM_GAP)
    {
        /* the last event is too far back */

        ngx_pimap_compressed_stream_clear(stream);

    } else {
        stream->gaps[0] += (uint16_t) message->len;
    }
}


/* Without memory the next message is compressed without a dictionary. */

static void
ngx_pimap_compressed_stream_event(ngx_pimap_compressed_stream_t *stream,
    ngx_pimap_message_t *message)
{
    size_t  room;

    room = ngx_pimap_compressed_streams * ngx_pimap_compressed_stream_memory;
    room = ngx_max(room, ngx_pimap_compressed_stream_least);

    stream->dictionary = ngx_pimap_dictionary_add(stream->dictionary, message,
                                                  room, ngx_cycle->log);

    /* no gap follows the new event; the other events become older */

    ngx_memmove(&stream->gaps[1], stream->gaps,
                (NGX_PIMAP_DICTIONARY_EVENTS - 1) * sizeof(uint16_t));
    stream->gaps[0] = 0;
}


ngx_pimap_message_t *
ngx_pimap_compressed_stream_end(ngx_pimap_compressed_stream_t *stream,
    ngx_log_t *log)
{
    u_char  *p, end[NGX_PIMAP_DEFLATE_HEAD + NGX_PIMAP_DEFLATE_TAIL];

    p = end;

    if (!stream->begun) {
        p = ngx_pimap_deflate_head(p, stream->coding);
    }

    p = ngx_pimap_deflate_last(p);
    p = ngx_pimap_deflate_tail(p, stream->coding, stream->check,
                               stream->length);

    return ngx_pimap_message_copy(end, p - end, log);
}


static void
ngx_pimap_compressed_stream_clear(ngx_pimap_compressed_stream_t *stream)
{
    stream->dictionary = 0;
    ngx_memzero(stream->gaps, sizeof(stream->gaps));
}


void
ngx_pimap_compressed_stream_free(ngx_pimap_compressed_stream_t *stream)
{
    if (stream->coding != NGX_PIMAP_IDENTITY && !stream->alone) {
        ngx_pimap_compressed_streams--;
    }

    ngx_pimap_compressed_stream_clear(stream);
}
