
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns all dictionaries of the worker.  Called by compressed_stream.
 * Invariant: a dictionary never changes, and holds a copy of its events.  The
 * dictionaries that end with a message hang off it by serial while it is
 * delivered, so that devices with the same events before share one.
 */


#include "ngx_pimap_dictionary.h"
#include "ngx_pimap_message.h"


#define NGX_PIMAP_DICTIONARY_WINDOW  8192   /* events and gaps */
#define NGX_PIMAP_DICTIONARY_FORMS   16     /* shared ones of a message */
#define NGX_PIMAP_DICTIONARY_SLOTS   4096

#define ngx_pimap_dictionary_slot(serial)                                    \
    (&ngx_pimap_dictionary_slots[(serial) % NGX_PIMAP_DICTIONARY_SLOTS])


static ngx_pimap_dictionary_t *ngx_pimap_dictionary_create(
    ngx_pimap_dictionary_t *old, ngx_pimap_message_t *message, ngx_log_t *log);
static ngx_uint_t ngx_pimap_dictionary_same(ngx_pimap_dictionary_t *one,
    ngx_pimap_dictionary_t *other);
static void ngx_pimap_dictionary_keep(ngx_pimap_dictionary_t *dictionary,
    size_t room);
static void ngx_pimap_dictionary_forget(ngx_pimap_dictionary_t *dictionary);
static size_t ngx_pimap_dictionary_size(ngx_pimap_dictionary_t *dictionary);


static uint64_t                 ngx_pimap_dictionary_serial;
static ngx_pimap_dictionary_t  *ngx_pimap_dictionary_slots[
                                                NGX_PIMAP_DICTIONARY_SLOTS];
static ngx_queue_t              ngx_pimap_dictionary_used;  /* newest first */
static size_t                   ngx_pimap_dictionary_bytes_used;


uint64_t
ngx_pimap_dictionary_add(uint64_t serial, ngx_pimap_message_t *message,
    size_t room, ngx_log_t *log)
{
    ngx_uint_t               n;
    ngx_pimap_dictionary_t  *dictionary, *made;

    n = 0;

    for (dictionary = ngx_pimap_dictionary_find(message->dictionaries);
         dictionary;
         dictionary = ngx_pimap_dictionary_find(dictionary->next))
    {
        if (dictionary->before == serial) {
            return dictionary->serial;
        }

        n++;
    }

    made = ngx_pimap_dictionary_create(ngx_pimap_dictionary_find(serial),
                                       message, log);
    if (made == NULL) {
        return 0;
    }

    /* streams that began at different times meet again after some events */

    for (dictionary = ngx_pimap_dictionary_find(message->dictionaries);
         dictionary;
         dictionary = ngx_pimap_dictionary_find(dictionary->next))
    {
        if (ngx_pimap_dictionary_same(dictionary, made)) {
            ngx_free(made);
            return dictionary->serial;
        }
    }

    made->before = serial;
    made->serial = ++ngx_pimap_dictionary_serial;

    if (n < NGX_PIMAP_DICTIONARY_FORMS) {
        made->next = message->dictionaries;
        message->dictionaries = made->serial;
    }

    ngx_pimap_dictionary_keep(made, room);

    return made->serial;
}


static ngx_pimap_dictionary_t *
ngx_pimap_dictionary_create(ngx_pimap_dictionary_t *old,
    ngx_pimap_message_t *message, ngx_log_t *log)
{
    size_t                   len;
    u_char                  *p;
    ngx_uint_t               n;
    ngx_pimap_dictionary_t  *made;

    /* the number of old events that stay, and their length */

    n = 0;
    len = 0;

    while (old && n < old->n && n < NGX_PIMAP_DICTIONARY_EVENTS - 1
           && message->len + len + old->lens[n] <= NGX_PIMAP_DICTIONARY_BYTES)
    {
        len += old->lens[n++];
    }

    made = ngx_alloc(offsetof(ngx_pimap_dictionary_t, bytes) + len
                     + message->len, log);
    if (made == NULL) {
        return NULL;
    }

    made->n = (uint16_t) (n + 1);
    made->len = (uint16_t) (len + message->len);
    made->lens[0] = (uint16_t) message->len;
    made->next = 0;

    p = made->bytes;

    if (n) {
        ngx_memcpy(&made->lens[1], old->lens, n * sizeof(uint16_t));
        p = ngx_cpymem(p, old->bytes + old->len - len, len);
    }

    ngx_memcpy(p, message->data, message->len);

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
ngx_pimap_dictionary_keep(ngx_pimap_dictionary_t *dictionary, size_t room)
{
    ngx_pimap_dictionary_t  **slot;

    if (ngx_pimap_dictionary_used.next == NULL) {
        ngx_queue_init(&ngx_pimap_dictionary_used);
    }

    slot = ngx_pimap_dictionary_slot(dictionary->serial);

    dictionary->chain = *slot;
    *slot = dictionary;

    ngx_queue_insert_head(&ngx_pimap_dictionary_used, &dictionary->used);
    ngx_pimap_dictionary_bytes_used += ngx_pimap_dictionary_size(dictionary);

    while (ngx_pimap_dictionary_bytes_used > room
           && ngx_queue_last(&ngx_pimap_dictionary_used) != &dictionary->used)
    {
        ngx_pimap_dictionary_forget(ngx_queue_data(
                                   ngx_queue_last(&ngx_pimap_dictionary_used),
                                   ngx_pimap_dictionary_t, used));
    }
}


static void
ngx_pimap_dictionary_forget(ngx_pimap_dictionary_t *dictionary)
{
    ngx_pimap_dictionary_t  **slot;

    slot = ngx_pimap_dictionary_slot(dictionary->serial);

    while (*slot != dictionary) {
        slot = &(*slot)->chain;
    }

    *slot = dictionary->chain;

    ngx_queue_remove(&dictionary->used);
    ngx_pimap_dictionary_bytes_used -= ngx_pimap_dictionary_size(dictionary);
    ngx_free(dictionary);
}


/* With the overhead of the heap. */

static size_t
ngx_pimap_dictionary_size(ngx_pimap_dictionary_t *dictionary)
{
    return ngx_align(offsetof(ngx_pimap_dictionary_t, bytes) + dictionary->len
                     + sizeof(void *), 16);
}


ngx_pimap_dictionary_t *
ngx_pimap_dictionary_find(uint64_t serial)
{
    ngx_pimap_dictionary_t  *dictionary;

    dictionary = *ngx_pimap_dictionary_slot(serial);

    while (dictionary && dictionary->serial != serial) {
        dictionary = dictionary->chain;
    }

    if (dictionary) {
        ngx_queue_remove(&dictionary->used);
        ngx_queue_insert_head(&ngx_pimap_dictionary_used, &dictionary->used);
    }

    return dictionary;
}


void
ngx_pimap_dictionary_bytes(ngx_pimap_dictionary_t *dictionary, uint16_t *gaps,
    ngx_str_t *bytes)
{
    size_t       gap;
    u_char      *p, *from;
    ngx_uint_t   i;

    static u_char  window[NGX_PIMAP_DICTIONARY_WINDOW];

    p = window + NGX_PIMAP_DICTIONARY_WINDOW;
    from = dictionary->bytes + dictionary->len;

    for (i = 0; i < dictionary->n; i++) {

        /* the gap after the newest event is not part of these bytes */

        gap = i ? gaps[i] : 0;

        if ((size_t) (p - window) < gap + dictionary->lens[i]) {
            break;
        }

        p -= gap;
        ngx_memzero(p, gap);

        p -= dictionary->lens[i];
        from -= dictionary->lens[i];
        ngx_memcpy(p, from, dictionary->lens[i]);
    }

    bytes->data = p;
    bytes->len = window + NGX_PIMAP_DICTIONARY_WINDOW - p;
}
