
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A trail is a copy of its events, so that it keeps nothing else alive.  While
 * an event is delivered, the trails that it ends hang off its text, by their
 * serials: who has the same gets the same one.
 */


#include "ngx_pimap_dictionary.h"
#include "ngx_pimap_message.h"


#define NGX_PIMAP_DICTIONARY_WINDOW  8192    /* events and gaps */
#define NGX_PIMAP_DICTIONARY_FORMS   16      /* of a text; more are not shared */
#define NGX_PIMAP_DICTIONARY_SLOTS   4096


static ngx_pimap_dictionary_t *ngx_pimap_dictionary_create(ngx_pimap_dictionary_t *trail, ngx_pimap_message_t *text, ngx_log_t *log);
static ngx_uint_t ngx_pimap_dictionary_same(ngx_pimap_dictionary_t *one,
    ngx_pimap_dictionary_t *other);
static void ngx_pimap_dictionary_keep(ngx_pimap_dictionary_t *trail,
    size_t room);
static void ngx_pimap_dictionary_forget(ngx_pimap_dictionary_t *trail);
static size_t ngx_pimap_dictionary_size(ngx_pimap_dictionary_t *trail);


static uint64_t            ngx_pimap_dictionary_serial;
static ngx_pimap_dictionary_t  *ngx_pimap_dictionary_slots[NGX_PIMAP_DICTIONARY_SLOTS];
static ngx_queue_t         ngx_pimap_dictionary_used;        /* newest first */
static size_t              ngx_pimap_dictionary_bytes_used;


uint64_t
ngx_pimap_dictionary_add(uint64_t serial, ngx_pimap_message_t *text,
    size_t room, ngx_log_t *log)
{
    ngx_uint_t          n;
    ngx_pimap_dictionary_t  *trail, *made;

    n = 0;

    for (trail = ngx_pimap_dictionary_find(text->trails);
         trail;
         trail = ngx_pimap_dictionary_find(trail->next))
    {
        if (trail->before == serial) {
            return trail->serial;
        }

        n++;
    }

    made = ngx_pimap_dictionary_create(ngx_pimap_dictionary_find(serial), text,
                                       log);
    if (made == NULL) {
        return 0;
    }

    made->before = serial;

    /* others may have come to the same, on another way */

    for (trail = ngx_pimap_dictionary_find(text->trails);
         trail;
         trail = ngx_pimap_dictionary_find(trail->next))
    {
        if (ngx_pimap_dictionary_same(trail, made)) {
            ngx_free(made);
            return trail->serial;
        }
    }

    made->serial = ++ngx_pimap_dictionary_serial;

    if (n < NGX_PIMAP_DICTIONARY_FORMS) {
        made->next = text->trails;
        text->trails = made->serial;
    }

    ngx_pimap_dictionary_keep(made, room);

    return made->serial;
}


static ngx_pimap_dictionary_t *
ngx_pimap_dictionary_create(ngx_pimap_dictionary_t *trail,
    ngx_pimap_message_t *text, ngx_log_t *log)
{
    size_t              len;
    u_char             *p;
    ngx_uint_t          n;
    ngx_pimap_dictionary_t  *made;

    /* so many of the old ones, and their length */

    n = 0;
    len = 0;

    while (trail && n < trail->n && n < NGX_PIMAP_DICTIONARY_EVENTS - 1
           && text->len + len + trail->lens[n] <= NGX_PIMAP_DICTIONARY_BYTES)
    {
        len += trail->lens[n++];
    }

    made = ngx_alloc(offsetof(ngx_pimap_dictionary_t, bytes) + len + text->len,
                     log);
    if (made == NULL) {
        return NULL;
    }

    made->n = (uint16_t) (n + 1);
    made->len = (uint16_t) (len + text->len);
    made->lens[0] = (uint16_t) text->len;
    made->next = 0;

    p = made->bytes;

    if (n) {
        ngx_memcpy(&made->lens[1], trail->lens, n * sizeof(uint16_t));
        p = ngx_cpymem(p, trail->bytes + trail->len - len, len);
    }

    ngx_memcpy(p, text->data, text->len);

    return made;
}


static ngx_uint_t
ngx_pimap_dictionary_same(ngx_pimap_dictionary_t *one,
    ngx_pimap_dictionary_t *other)
{
    return one->n == other->n
           && one->len == other->len
           && ngx_memcmp(one->lens, other->lens, one->n * sizeof(uint16_t))
              == 0
           && ngx_memcmp(one->bytes, other->bytes, one->len) == 0;
}


static void
ngx_pimap_dictionary_keep(ngx_pimap_dictionary_t *trail, size_t room)
{
    ngx_pimap_dictionary_t  **slot;

    if (ngx_pimap_dictionary_used.next == NULL) {
        ngx_queue_init(&ngx_pimap_dictionary_used);
    }

    slot = &ngx_pimap_dictionary_slots[trail->serial % NGX_PIMAP_DICTIONARY_SLOTS];

    trail->chain = *slot;
    *slot = trail;

    ngx_queue_insert_head(&ngx_pimap_dictionary_used, &trail->used);
    ngx_pimap_dictionary_bytes_used += ngx_pimap_dictionary_size(trail);

    while (ngx_pimap_dictionary_bytes_used > room
           && ngx_queue_last(&ngx_pimap_dictionary_used) != &trail->used)
    {
        ngx_pimap_dictionary_forget(ngx_queue_data(
                                   ngx_queue_last(&ngx_pimap_dictionary_used),
                                   ngx_pimap_dictionary_t, used));
    }
}


static void
ngx_pimap_dictionary_forget(ngx_pimap_dictionary_t *trail)
{
    ngx_pimap_dictionary_t  **slot;

    slot = &ngx_pimap_dictionary_slots[trail->serial % NGX_PIMAP_DICTIONARY_SLOTS];

    while (*slot != trail) {
        slot = &(*slot)->chain;
    }

    *slot = trail->chain;

    ngx_queue_remove(&trail->used);
    ngx_pimap_dictionary_bytes_used -= ngx_pimap_dictionary_size(trail);
    ngx_free(trail);
}


/* With what the heap needs for itself. */

static size_t
ngx_pimap_dictionary_size(ngx_pimap_dictionary_t *trail)
{
    return ngx_align(offsetof(ngx_pimap_dictionary_t, bytes) + trail->len
                     + sizeof(void *), 16);
}


ngx_pimap_dictionary_t *
ngx_pimap_dictionary_find(uint64_t serial)
{
    ngx_pimap_dictionary_t  *trail;

    trail = ngx_pimap_dictionary_slots[serial % NGX_PIMAP_DICTIONARY_SLOTS];

    while (trail && trail->serial != serial) {
        trail = trail->chain;
    }

    if (trail) {
        ngx_queue_remove(&trail->used);
        ngx_queue_insert_head(&ngx_pimap_dictionary_used, &trail->used);
    }

    return trail;
}


void
ngx_pimap_dictionary_bytes(ngx_pimap_dictionary_t *trail, uint16_t *gaps,
    ngx_str_t *bytes)
{
    size_t         gap;
    u_char        *p, *from;
    ngx_uint_t     i;

    static u_char  window[NGX_PIMAP_DICTIONARY_WINDOW];

    p = window + NGX_PIMAP_DICTIONARY_WINDOW;
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
    bytes->len = window + NGX_PIMAP_DICTIONARY_WINDOW - p;
}
