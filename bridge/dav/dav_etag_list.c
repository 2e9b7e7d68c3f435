
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * There are millions of objects: each has one allocation.
 */


#include "dav_etag_list.h"
#include "dav_url.h"

#include <stdlib.h>


static void dav_etag_list_push(dav_etag_list_t *l, const char *name,
    const char *etag);
static void dav_etag_list_push_item(dav_etag_list_t *l, char *item);
static int dav_etag_list_compare(const void *a, const void *b);


const char *
dav_etag_list_etag(const char *item)
{
    return item + strlen(item) + 1;
}


const char *
dav_etag_list_find(const dav_etag_list_t *l, const char *name)
{
    char  **item;

    item = l->n ? bsearch(&name, l->items, l->n, sizeof(char *),
                          dav_etag_list_compare)
                : NULL;

    return item ? *item : NULL;
}


int
dav_etag_list_add(dav_etag_list_t *l, const char *name, const char *etag)
{
    if (*name == '\0' || strlen(name) > DAV_ETAG_LIST_NAME
        || strlen(etag) > DAV_ETAG_LIST_ETAG)
    {
        return -1;
    }

    dav_etag_list_push(l, name, etag);

    return 0;
}


static void
dav_etag_list_push(dav_etag_list_t *l, const char *name, const char *etag)
{
    char    *item;
    size_t   len;

    len = strlen(name) + 1;

    item = bridge_alloc(len + strlen(etag) + 1);
    strcpy(item, name);
    strcpy(item + len, etag);

    dav_etag_list_push_item(l, item);
}


static void
dav_etag_list_push_item(dav_etag_list_t *l, char *item)
{
    l->items = bridge_grow(l->items, l->n, &l->size, sizeof(char *));
    l->items[l->n++] = item;
}


void
dav_etag_list_sort(dav_etag_list_t *l)
{
    unsigned  i, n;

    if (l->n == 0) {
        return;
    }

    qsort(l->items, l->n, sizeof(char *), dav_etag_list_compare);

    for (i = 1, n = 1; i < l->n; i++) {

        if (dav_url_compare(l->items[n - 1], l->items[i]) == 0) {
            free(l->items[i]);
            continue;
        }

        l->items[n++] = l->items[i];
    }

    l->n = n;
}


static int
dav_etag_list_compare(const void *a, const void *b)
{
    return dav_url_compare(*(char *const *) a, *(char *const *) b);
}


void
dav_etag_list_diff(const dav_etag_list_t *old, const dav_etag_list_t *now,
    dav_etag_list_t *delta)
{
    int          rc;
    unsigned     i, k;
    const char  *etag;

    for (i = 0, k = 0; i < old->n || k < now->n; /* void */) {

        rc = i == old->n ? 1
             : k == now->n ? -1
             : dav_url_compare(old->items[i], now->items[k]);

        if (rc < 0) {
            dav_etag_list_push(delta, old->items[i++], "");
            continue;
        }

        etag = dav_etag_list_etag(now->items[k]);

        if (rc > 0 || strcmp(dav_etag_list_etag(old->items[i]), etag) != 0) {
            dav_etag_list_push(delta, now->items[k], etag);
        }

        i += rc == 0;
        k++;
    }
}


void
dav_etag_list_apply(dav_etag_list_t *l, dav_etag_list_t *delta)
{
    int               rc;
    char             *item;
    unsigned          i, k, n;
    const char       *etag;
    dav_etag_list_t   now;

    memset(&now, 0, sizeof(now));
    n = 0;

    for (i = 0, k = 0; i < l->n || k < delta->n; /* void */) {

        rc = i == l->n ? 1
             : k == delta->n ? -1
             : dav_url_compare(l->items[i], delta->items[k]);

        if (rc < 0) {
            dav_etag_list_push_item(&now, l->items[i++]);
            continue;
        }

        item = delta->items[k++];
        etag = dav_etag_list_etag(item);

        /* an object that is as before, or was unknown and is gone */

        if (strcmp(rc ? "" : dav_etag_list_etag(l->items[i]), etag) == 0) {
            free(item);

            if (rc == 0) {
                dav_etag_list_push_item(&now, l->items[i++]);
            }

            continue;
        }

        if (rc == 0) {
            free(l->items[i++]);
        }

        if (*etag) {
            dav_etag_list_push(&now, item, etag);
        }

        delta->items[n++] = item;
    }

    delta->n = n;

    free(l->items);
    *l = now;
}


void
dav_etag_list_page(dav_etag_list_t *l, const char *after, unsigned max)
{
    unsigned  i, n;

    for (i = 0, n = 0; i < l->n; i++) {

        if (n == max || (after && dav_url_compare(l->items[i], after) <= 0)) {
            free(l->items[i]);
            continue;
        }

        l->items[n++] = l->items[i];
    }

    l->n = n;
}


void
dav_etag_list_move(dav_etag_list_t *to, dav_etag_list_t *from)
{
    dav_etag_list_free(to);
    *to = *from;
    memset(from, 0, sizeof(dav_etag_list_t));
}


void
dav_etag_list_free(dav_etag_list_t *l)
{
    unsigned  i;

    for (i = 0; i < l->n; i++) {
        free(l->items[i]);
    }

    free(l->items);
    memset(l, 0, sizeof(dav_etag_list_t));
}


json_t *
dav_etag_list_json(const dav_etag_list_t *l)
{
    json_t    *json;
    unsigned   i;

    json = json_array();

    for (i = 0; i < l->n; i++) {
        json_array_append_new(json, json_string(l->items[i]));
        json_array_append_new(json,
                              json_string(dav_etag_list_etag(l->items[i])));
    }

    return json;
}


int
dav_etag_list_from_json(dav_etag_list_t *l, json_t *json)
{
    size_t       i;
    const char  *name, *etag;

    for (i = 0; i + 1 < json_array_size(json); i += 2) {
        name = json_string_value(json_array_get(json, i));
        etag = json_string_value(json_array_get(json, i + 1));

        if (name == NULL || etag == NULL || *etag == '\0'
            || dav_etag_list_add(l, name, etag) == -1)
        {
            dav_etag_list_free(l);
            return -1;
        }
    }

    dav_etag_list_sort(l);

    return json_is_array(json) ? 0 : -1;
}
