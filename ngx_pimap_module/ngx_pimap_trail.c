
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A trail is a copy of its events, so that it keeps nothing else alive.  While
 * an event is delivered, the trails that it ends hang off its text: who has
 * the same gets the same one.
 */


#include "ngx_pimap_trail.h"
#include "ngx_pimap_text.h"


#define NGX_PIMAP_TRAIL_WINDOW  8192    /* events and gaps */
#define NGX_PIMAP_TRAIL_FORMS   16      /* of a text; more are not shared */


static ngx_pimap_trail_t *ngx_pimap_trail_create(ngx_pimap_trail_t *trail,
    ngx_pimap_text_t *text, ngx_log_t *log);
static ngx_uint_t ngx_pimap_trail_same(ngx_pimap_trail_t *one,
    ngx_pimap_trail_t *other);


static uint64_t  ngx_pimap_trail_serial;


ngx_pimap_trail_t *
ngx_pimap_trail_add(ngx_pimap_trail_t *trail, ngx_pimap_text_t *text,
    ngx_log_t *log)
{
    uint64_t             before;
    ngx_uint_t           n;
    ngx_pimap_trail_t  **last, *made;

    before = trail ? trail->serial : 0;

    for (last = &text->trails; *last; last = &(*last)->next) {
        if ((*last)->before == before) {
            return ngx_pimap_trail_ref(*last);
        }
    }

    made = ngx_pimap_trail_create(trail, text, log);
    if (made == NULL) {
        return NULL;
    }

    /* others may have come to the same, on another way */

    n = 0;

    for (last = &text->trails; *last; last = &(*last)->next) {

        if (ngx_pimap_trail_same(*last, made)) {
            ngx_pimap_trail_unref(made);
            return ngx_pimap_trail_ref(*last);
        }

        n++;
    }

    if (n < NGX_PIMAP_TRAIL_FORMS) {
        *last = ngx_pimap_trail_ref(made);
    }

    return made;
}


static ngx_pimap_trail_t *
ngx_pimap_trail_create(ngx_pimap_trail_t *trail, ngx_pimap_text_t *text,
    ngx_log_t *log)
{
    size_t              len;
    u_char             *p;
    ngx_uint_t          n;
    ngx_pimap_trail_t  *made;

    /* so many of the old ones, and their length */

    n = 0;
    len = 0;

    while (trail && n < trail->n && n < NGX_PIMAP_TRAIL_EVENTS - 1
           && text->len + len + trail->lens[n] <= NGX_PIMAP_TRAIL_BYTES)
    {
        len += trail->lens[n++];
    }

    made = ngx_alloc(offsetof(ngx_pimap_trail_t, bytes) + len + text->len,
                     log);
    if (made == NULL) {
        return NULL;
    }

    made->refs = 1;
    made->n = (uint16_t) (n + 1);
    made->len = (uint16_t) (len + text->len);
    made->lens[0] = (uint16_t) text->len;
    made->serial = ++ngx_pimap_trail_serial;
    made->before = trail ? trail->serial : 0;
    made->next = NULL;

    p = made->bytes;

    if (n) {
        ngx_memcpy(&made->lens[1], trail->lens, n * sizeof(uint16_t));
        p = ngx_cpymem(p, trail->bytes + trail->len - len, len);
    }

    ngx_memcpy(p, text->data, text->len);

    return made;
}


static ngx_uint_t
ngx_pimap_trail_same(ngx_pimap_trail_t *one, ngx_pimap_trail_t *other)
{
    return one->n == other->n
           && one->len == other->len
           && ngx_memcmp(one->lens, other->lens, one->n * sizeof(uint16_t))
              == 0
           && ngx_memcmp(one->bytes, other->bytes, one->len) == 0;
}


void
ngx_pimap_trail_bytes(ngx_pimap_trail_t *trail, uint16_t *gaps,
    ngx_str_t *bytes)
{
    size_t         gap;
    u_char        *p, *from;
    ngx_uint_t     i;

    static u_char  window[NGX_PIMAP_TRAIL_WINDOW];

    p = window + NGX_PIMAP_TRAIL_WINDOW;
    from = trail->bytes + trail->len;

    for (i = 0; i < trail->n; i++) {

        /* what follows the newest one is not part of this */

        gap = i ? gaps[i] : 0;

        if ((size_t) (p - window) < gap + trail->lens[i]) {
            break;
        }

        p -= gap;
        ngx_memzero(p, gap);

        p -= trail->lens[i];
        from -= trail->lens[i];
        ngx_memcpy(p, from, trail->lens[i]);
    }

    bytes->data = p;
    bytes->len = window + NGX_PIMAP_TRAIL_WINDOW - p;
}


ngx_pimap_trail_t *
ngx_pimap_trail_ref(ngx_pimap_trail_t *trail)
{
    trail->refs++;

    return trail;
}


void
ngx_pimap_trail_unref(ngx_pimap_trail_t *trail)
{
    if (--trail->refs == 0) {
        ngx_free(trail);
    }
}
