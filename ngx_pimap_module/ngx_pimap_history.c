
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An event is compressed with the one before as its dictionary.  What came
 * between them, as pings, is a gap that it does not refer to, so that nothing
 * of it has to be kept.  The packed forms of a text hang off it while it is
 * delivered: devices with the same event before, and the same gap, get the
 * same bytes.
 */


#include "ngx_pimap_history.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_HISTORY_GAP   8192    /* then the last event is too old */
#define NGX_PIMAP_HISTORY_TEXT  4096    /* a longer one is not kept */


void
ngx_pimap_history_init(ngx_pimap_history_t *history,
    ngx_pimap_coding_t coding, ngx_uint_t alone)
{
    ngx_memzero(history, sizeof(ngx_pimap_history_t));

    history->coding = (uint8_t) coding;
    history->alone = alone;

    if (coding != NGX_PIMAP_IDENTITY) {
        history->check = ngx_pimap_deflate_check(coding, 0, NULL);
    }
}


void
ngx_pimap_history_resume(ngx_pimap_history_t *history, uint32_t check,
    uint32_t length)
{
    history->check = check;
    history->length = length;
    history->begun = 1;
}


ngx_pimap_text_t *
ngx_pimap_history_pack(ngx_pimap_history_t *history, ngx_pimap_text_t *text,
    ngx_log_t *log)
{
    u_char            *p, head[NGX_PIMAP_DEFLATE_HEAD];
    size_t             head_len;
    uint64_t           serial;
    ngx_str_t          before, data, block;
    ngx_pimap_text_t  *last, *packed;

    last = history->last;
    serial = last ? last->serial : 0;

    if (history->begun) {
        packed = ngx_pimap_text_packed(text, serial, history->gap);

        if (packed) {
            ngx_pimap_count(pack_shared);
            return ngx_pimap_text_ref(packed);
        }
    }

    data.data = text->data;
    data.len = text->len;

    if (last) {
        before.data = last->data;
        before.len = last->len;
    }

    if (ngx_pimap_deflate(&block, last ? &before : NULL, history->gap, &data,
                          0)
        != NGX_OK)
    {
        return NULL;
    }

    head_len = history->begun
               ? 0 : ngx_pimap_deflate_head(head, history->coding) - head;

    packed = ngx_pimap_text_create(head_len + block.len, log);
    if (packed == NULL) {
        return NULL;
    }

    p = ngx_cpymem(packed->data, head, head_len);
    ngx_memcpy(p, block.data, block.len);

    ngx_pimap_count(packed);

    if (history->begun) {
        ngx_pimap_text_pack(text, serial, history->gap, packed);
    }

    return packed;
}


void
ngx_pimap_history_add(ngx_pimap_history_t *history, ngx_pimap_text_t *text)
{
    ngx_str_t  data;

    data.data = text->data;
    data.len = text->len;

    history->check = ngx_pimap_deflate_check(history->coding, history->check,
                                             &data);
    history->length += text->len;
    history->begun = 1;

    ngx_pimap_count_n(pack_plain_bytes, text->len);

    if (history->alone) {
        return;
    }

    if (text->kind == NGX_PIMAP_TEXT_EVENT) {
        ngx_pimap_history_free(history);

        if (text->len <= NGX_PIMAP_HISTORY_TEXT) {
            history->last = ngx_pimap_text_ref(text);
        }

        return;
    }

    if (history->last == NULL) {
        return;
    }

    if (history->gap + text->len > NGX_PIMAP_HISTORY_GAP) {
        ngx_pimap_history_free(history);
        return;
    }

    history->gap += (uint16_t) text->len;
}


ngx_pimap_text_t *
ngx_pimap_history_end(ngx_pimap_history_t *history, ngx_log_t *log)
{
    u_char            *p, tail[NGX_PIMAP_DEFLATE_HEAD
                               + NGX_PIMAP_DEFLATE_TAIL];
    ngx_pimap_text_t  *text;

    p = tail;

    if (!history->begun) {
        p = ngx_pimap_deflate_head(p, history->coding);
    }

    p = ngx_pimap_deflate_last(p);
    p = ngx_pimap_deflate_tail(p, history->coding, history->check,
                               history->length);

    text = ngx_pimap_text_create(p - tail, log);

    if (text) {
        ngx_memcpy(text->data, tail, p - tail);
    }

    return text;
}


void
ngx_pimap_history_free(ngx_pimap_history_t *history)
{
    if (history->last) {
        ngx_pimap_text_unref(history->last);
        history->last = NULL;
    }

    history->gap = 0;
}
