
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The objects of a collection, by name (the last segment of the path), each
 * with its ETag; and changes of them, where an empty ETag is a removal.
 * Sorted, so that two are compared in one walk.  Pure.
 */


#ifndef _DAV_LIST_H_INCLUDED_
#define _DAV_LIST_H_INCLUDED_


#include "bridge.h"

#include <jansson.h>


#define DAV_ETAG_LIST_ETAG       255         /* bytes of an ETag */
#define DAV_ETAG_LIST_NAME       1024


/* An item is a name and, after its zero byte, the ETag. */

typedef struct {
    char      **items;
    unsigned    n;
    unsigned    size;
} dav_etag_list_t;


const char *dav_etag_list_etag(const char *item);

/* To the end; returns -1, adding nothing, if a text is too long. */

int dav_etag_list_add(dav_etag_list_t *l, const char *name, const char *etag);

/* Afterwards it is in order, and each name is there once. */

void dav_etag_list_sort(dav_etag_list_t *l);

/* What makes "now" of "old"; all are sorted, "delta" is empty before. */

void dav_etag_list_diff(const dav_etag_list_t *old, const dav_etag_list_t *now,
    dav_etag_list_t *delta);

/*
 * Changes "l" by a sorted "delta", from which goes what has no effect: so
 * that nothing is told twice.
 */

void dav_etag_list_apply(dav_etag_list_t *l, dav_etag_list_t *delta);

/* Only those whose names come after "after" stay, and of them "max". */

void dav_etag_list_page(dav_etag_list_t *l, const char *after, unsigned max);

void dav_etag_list_move(dav_etag_list_t *to, dav_etag_list_t *from);
void dav_etag_list_free(dav_etag_list_t *l);

/* [name, etag, name, etag, ...] */

json_t *dav_etag_list_json(const dav_etag_list_t *l);
int dav_etag_list_from_json(dav_etag_list_t *l, json_t *json);


#endif /* _DAV_LIST_H_INCLUDED_ */
