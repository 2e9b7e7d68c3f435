
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns lists of objects, by name, the last segment of the path as the server
 * spells it, each with its ETag; or of their changes, where an empty ETag is
 * a removal.  Called by syncs and updates.  Pure.  Invariant: two sorted lists
 * are compared in one walk.
 */


#ifndef _DAV_ETAG_LIST_H_INCLUDED_
#define _DAV_ETAG_LIST_H_INCLUDED_


#include "bridge.h"

#include <jansson.h>


#define DAV_ETAG_LIST_ETAG      255     /* bytes */
#define DAV_ETAG_LIST_NAME      1024


/* An item is a name and, after its zero byte, the ETag. */

typedef struct {
    char      **items;
    unsigned    n;
    size_t      size;
} dav_etag_list_t;


const char *dav_etag_list_etag(const char *item);

/* The item of a name, in any spelling, in a sorted list; or NULL. */
const char *dav_etag_list_find(const dav_etag_list_t *l, const char *name);

/* Returns -1, adding nothing, if the name is empty or a string too long. */

int dav_etag_list_add(dav_etag_list_t *l, const char *name, const char *etag);

/* Each name is kept once. */

void dav_etag_list_sort(dav_etag_list_t *l);

/* Adds the changes from "old" to "now", sorted lists, to "delta". */

void dav_etag_list_diff(const dav_etag_list_t *old, const dav_etag_list_t *now,
    dav_etag_list_t *delta);

/* Applies a sorted "delta".  Changes without an effect are removed from it. */

void dav_etag_list_apply(dav_etag_list_t *l, dav_etag_list_t *delta);

/* Keeps "max" items whose names come after "after". */

void dav_etag_list_page(dav_etag_list_t *l, const char *after, unsigned max);

void dav_etag_list_move(dav_etag_list_t *to, dav_etag_list_t *from);
void dav_etag_list_free(dav_etag_list_t *l);

/* [name, etag, name, etag, ...] */

json_t *dav_etag_list_json(const dav_etag_list_t *l);
int dav_etag_list_from_json(dav_etag_list_t *l, json_t *json);


#endif /* _DAV_ETAG_LIST_H_INCLUDED_ */
