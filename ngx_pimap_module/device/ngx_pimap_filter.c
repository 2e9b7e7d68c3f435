
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a device's filter: types, mailboxes, collections, events.
 */


#include "ngx_pimap_park_request.h"
#include "ngx_pimap_heap.h"


static ngx_pimap_filter_t *ngx_pimap_filter_alloc(size_t size,
    ngx_log_t *log);
static size_t ngx_pimap_filter_size(ngx_array_t *names);
static u_char *ngx_pimap_filter_copy(u_char *p, ngx_array_t *names);
static u_char *ngx_pimap_filter_find(u_char *p, ngx_uint_t n,
    pimap_str_t *name, ngx_uint_t *found);


ngx_int_t
ngx_pimap_filter_create(ngx_pimap_filter_t **filter, uint32_t types,
    ngx_array_t *mailboxes, ngx_array_t *collections, ngx_array_t *events,
    ngx_log_t *log)
{
    size_t               size;
    u_char              *p;
    ngx_pimap_filter_t  *f;

    *filter = NULL;

    if (types == PIMAP_TYPES_ALL && mailboxes == NULL && collections == NULL
        && events == NULL)
    {
        return NGX_OK;
    }

    size = offsetof(ngx_pimap_filter_t, names)
           + ngx_pimap_filter_size(mailboxes)
           + ngx_pimap_filter_size(collections)
           + ngx_pimap_filter_size(events);

    if (size > NGX_PIMAP_FILTER_MAX_SIZE) {
        return NGX_DECLINED;
    }

    f = ngx_pimap_filter_alloc(size, log);
    if (f == NULL) {
        return NGX_ERROR;
    }

    f->types = types;
    f->size = (uint16_t) size;
    f->nmailboxes = mailboxes ? (uint16_t) mailboxes->nelts : 0;
    f->ncollections = collections ? (uint16_t) collections->nelts : 0;
    f->nevents = events ? (uint16_t) events->nelts : 0;

    p = ngx_pimap_filter_copy(f->names, mailboxes);
    p = ngx_pimap_filter_copy(p, collections);
    (void) ngx_pimap_filter_copy(p, events);

    *filter = f;

    return NGX_OK;
}


ngx_pimap_filter_t *
ngx_pimap_filter_clone(ngx_pimap_filter_t *filter, ngx_log_t *log)
{
    ngx_pimap_filter_t  *f;

    f = ngx_pimap_filter_alloc(filter->size, log);

    if (f) {
        ngx_memcpy(f, filter, filter->size);
    }

    return f;
}


/* The names may be shorter than the padding at the struct's end. */

static ngx_pimap_filter_t *
ngx_pimap_filter_alloc(size_t size, ngx_log_t *log)
{
    return ngx_pimap_heap_record(ngx_max(size, sizeof(ngx_pimap_filter_t)),
                                 log);
}


static size_t
ngx_pimap_filter_size(ngx_array_t *names)
{
    size_t       size;
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (names == NULL) {
        return 0;
    }

    size = 0;
    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        size += sizeof(uint16_t) + name[i].len;
    }

    return size;
}


static u_char *
ngx_pimap_filter_copy(u_char *p, ngx_array_t *names)
{
    uint16_t     len;
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (names == NULL) {
        return p;
    }

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        len = (uint16_t) name[i].len;

        p = ngx_cpymem(p, &len, sizeof(uint16_t));
        p = ngx_cpymem(p, name[i].data, len);
    }

    return p;
}


ngx_int_t
ngx_pimap_filter_check(ngx_pimap_filter_t *filter, size_t len)
{
    u_char      *p, *last;
    uint16_t     size;
    ngx_uint_t   n;

    if (len < offsetof(ngx_pimap_filter_t, names) || filter->size != len
        || len > NGX_PIMAP_FILTER_MAX_SIZE)
    {
        return NGX_ERROR;
    }

    p = filter->names;
    last = (u_char *) filter + len;

    n = filter->nmailboxes + filter->ncollections + filter->nevents;

    for ( /* void */ ; n; n--) {

        if (last - p < (ssize_t) sizeof(uint16_t)) {
            return NGX_ERROR;
        }

        ngx_memcpy(&size, p, sizeof(uint16_t));
        p += sizeof(uint16_t);

        if (last - p < size) {
            return NGX_ERROR;
        }

        p += size;
    }

    return p == last ? NGX_OK : NGX_ERROR;
}


ngx_uint_t
ngx_pimap_filter_match(ngx_pimap_filter_t *filter, pimap_event_t *ev)
{
    u_char      *p;
    ngx_uint_t   found, old;

    if (filter == NULL) {
        return 1;
    }

    if (filter->types != PIMAP_TYPES_ALL && !(filter->types & ev->types)) {
        return 0;
    }

    p = ngx_pimap_filter_find(filter->names, filter->nmailboxes,
                              &ev->mailbox, &found);

    /* names of mailboxes do not apply to events without a mailbox */

    if (filter->nmailboxes && ev->mailbox.data && !found) {
        (void) ngx_pimap_filter_find(filter->names, filter->nmailboxes,
                                     &ev->old_mailbox, &old);
        if (!old) {
            return 0;
        }
    }

    p = ngx_pimap_filter_find(p, filter->ncollections, &ev->collection,
                              &found);

    if (filter->ncollections && ev->collection.data && !found) {
        return 0;
    }

    if (filter->nevents) {
        (void) ngx_pimap_filter_find(p, filter->nevents, &ev->name, &found);
        return found;
    }

    return 1;
}


/* Returns the end of the n names. */

static u_char *
ngx_pimap_filter_find(u_char *p, ngx_uint_t n, pimap_str_t *name,
    ngx_uint_t *found)
{
    uint16_t    len;
    ngx_uint_t  i;

    *found = 0;

    for (i = 0; i < n; i++) {
        ngx_memcpy(&len, p, sizeof(uint16_t));
        p += sizeof(uint16_t);

        if (name->data && len == name->len
            && ngx_memcmp(p, name->data, len) == 0)
        {
            *found = 1;
        }

        p += len;
    }

    return p;
}
