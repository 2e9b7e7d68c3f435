
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A text is compressed with the last events as its dictionary.  What came
 * between them, as pings, is a gap that it does not refer to, so that nothing
 * of it has to be kept.  The packed forms of a text hang off it while it is
 * delivered: devices with the same events before, and the same gaps, get the
 * same bytes.
 */


#include "ngx_pimap_compressed_stream.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_COMPRESSED_STREAM_GAP  8192     /* then the last event is too old */


static ngx_pimap_message_t *ngx_pimap_compressed_stream_create(
    ngx_pimap_compressed_stream_t *history, ngx_pimap_dictionary_t *trail,
    ngx_pimap_message_t *text, ngx_log_t *log);
static void ngx_pimap_compressed_stream_event(ngx_pimap_compressed_stream_t *history, ngx_pimap_message_t *text);
static void ngx_pimap_compressed_stream_gap(ngx_pimap_compressed_stream_t *history, size_t len);
static void ngx_pimap_compressed_stream_clear(ngx_pimap_compressed_stream_t *history);


static size_t      ngx_pimap_compressed_stream_memory;
static size_t      ngx_pimap_compressed_stream_least;
static ngx_uint_t  ngx_pimap_compressed_stream_streams;   /* that may have a trail */


void
ngx_pimap_compressed_stream_init_process(size_t memory, size_t least)
{
    ngx_pimap_compressed_stream_memory = memory;
    ngx_pimap_compressed_stream_least = least;
}


void
ngx_pimap_compressed_stream_init(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_coding_t coding, ngx_uint_t alone)
{
    ngx_memzero(history, sizeof(ngx_pimap_compressed_stream_t));

    history->coding = (uint8_t) coding;
    history->alone = alone;

    if (coding != NGX_PIMAP_IDENTITY) {
        history->check = ngx_pimap_deflate_check(coding, 0, NULL);
        ngx_pimap_compressed_stream_streams += !alone;
    }
}


void
ngx_pimap_compressed_stream_resume(ngx_pimap_compressed_stream_t *history,
    uint32_t check, uint32_t length)
{
    history->check = check;
    history->length = length;
    history->begun = 1;
}


ngx_pimap_message_t *
ngx_pimap_compressed_stream_pack(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_message_t *text, ngx_log_t *log)
{
    ngx_pimap_message_t      *packed;
    ngx_pimap_dictionary_t     *trail;
    ngx_pimap_message_key_t   key;

    if (!history->begun) {
        return ngx_pimap_compressed_stream_create(history, NULL, text, log);
    }

    ngx_memzero(&key, sizeof(ngx_pimap_message_key_t));

    trail = ngx_pimap_dictionary_find(history->trail);

    if (trail) {
        key.trail = history->trail;
        ngx_memcpy(key.gaps, history->gaps, trail->n * sizeof(uint16_t));

    } else if (history->trail) {
        ngx_pimap_count(compressed_evicted);
        ngx_pimap_compressed_stream_clear(history);
    }

    packed = ngx_pimap_message_packed(text, &key);

    if (packed) {
        ngx_pimap_count(compressed_shared);
        return ngx_pimap_message_ref(packed);
    }

    packed = ngx_pimap_compressed_stream_create(history, trail, text, log);

    if (packed) {
        ngx_pimap_message_pack(text, &key, packed);
    }

    return packed;
}


static ngx_pimap_message_t *
ngx_pimap_compressed_stream_create(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_dictionary_t *trail, ngx_pimap_message_t *text, ngx_log_t *log)
{
    u_char            *p, head[NGX_PIMAP_DEFLATE_HEAD];
    size_t             head_len;
    ngx_str_t          before, data, block;
    ngx_pimap_message_t  *packed;

    data.data = text->data;
    data.len = text->len;

    if (trail) {
        ngx_pimap_dictionary_bytes(trail, history->gaps, &before);
    }

    if (ngx_pimap_deflate(&block, trail ? &before : NULL,
                          history->gaps[0], &data, 0)
        != NGX_OK)
    {
        return NULL;
    }

    head_len = history->begun
               ? 0 : ngx_pimap_deflate_head(head, history->coding) - head;

    packed = ngx_pimap_message_create(head_len + block.len, log);
    if (packed == NULL) {
        return NULL;
    }

    p = ngx_cpymem(packed->data, head, head_len);
    ngx_memcpy(p, block.data, block.len);

    ngx_pimap_count(compressed);

    return packed;
}


void
ngx_pimap_compressed_stream_add(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_message_t *text)
{
    ngx_str_t  data;

    data.data = text->data;
    data.len = text->len;

    history->check = ngx_pimap_deflate_check(history->coding, history->check,
                                             &data);
    history->length += text->len;
    history->begun = 1;

    ngx_pimap_count_n(compressed_plain_bytes, text->len);

    if (history->alone) {
        return;
    }

    if (text->kind == NGX_PIMAP_MESSAGE_EVENT
        && text->len <= NGX_PIMAP_DICTIONARY_BYTES)
    {
        ngx_pimap_compressed_stream_event(history, text);

    } else if (history->trail) {
        ngx_pimap_compressed_stream_gap(history, text->len);
    }
}


/* Without memory the next text refers to nothing. */

static void
ngx_pimap_compressed_stream_event(ngx_pimap_compressed_stream_t *history,
    ngx_pimap_message_t *text)
{
    size_t  room;

    room = ngx_pimap_compressed_stream_streams * ngx_pimap_compressed_stream_memory;

    history->trail = ngx_pimap_dictionary_add(history->trail, text,
                                   ngx_max(room,
                                           ngx_pimap_compressed_stream_least),
                                   ngx_cycle->log);

    /* none followed it so far, and the others are one place older */

    ngx_memmove(&history->gaps[1], history->gaps,
                (NGX_PIMAP_DICTIONARY_EVENTS - 1) * sizeof(uint16_t));
    history->gaps[0] = 0;
}


static void
ngx_pimap_compressed_stream_gap(ngx_pimap_compressed_stream_t *history,
    size_t len)
{
    if (history->gaps[0] + len > NGX_PIMAP_COMPRESSED_STREAM_GAP) {
        ngx_pimap_compressed_stream_clear(history);
        return;
    }

    history->gaps[0] += (uint16_t) len;
}


ngx_pimap_message_t *
ngx_pimap_compressed_stream_end(ngx_pimap_compressed_stream_t *history,
    ngx_log_t *log)
{
    u_char            *p, tail[NGX_PIMAP_DEFLATE_HEAD
                               + NGX_PIMAP_DEFLATE_TAIL];
    ngx_pimap_message_t  *text;

    p = tail;

    if (!history->begun) {
        p = ngx_pimap_deflate_head(p, history->coding);
    }

    p = ngx_pimap_deflate_last(p);
    p = ngx_pimap_deflate_tail(p, history->coding, history->check,
                               history->length);

    text = ngx_pimap_message_create(p - tail, log);

    if (text) {
        ngx_memcpy(text->data, tail, p - tail);
    }

    return text;
}


static void
ngx_pimap_compressed_stream_clear(ngx_pimap_compressed_stream_t *history)
{
    history->trail = 0;
    ngx_memzero(history->gaps, sizeof(history->gaps));
}


void
ngx_pimap_compressed_stream_free(ngx_pimap_compressed_stream_t *history)
{
    if (history->coding != NGX_PIMAP_IDENTITY && !history->alone) {
        ngx_pimap_compressed_stream_streams--;
    }

    ngx_pimap_compressed_stream_clear(history);
}
