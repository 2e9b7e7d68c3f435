
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the parameters of a query.  Called by locations and auth.  Invariant:
 * lists of types and events are decoded, then split, because their names have
 * no commas, and a URI template encodes commas.  Lists of mailboxes and
 * collections are split, then decoded, because their names may have commas.
 */


#include "ngx_pimap_http.h"
#include "ngx_pimap_encode.h"

#include "pimap_types.h"
#include "pimap_utf8.h"


typedef struct {
    ngx_str_t     name;
    ngx_uint_t    items;                /* decoded one by one */
    ngx_int_t   (*parse)(ngx_pool_t *pool, ngx_str_t *value, void *member);
    size_t        offset;               /* of the member of the query */
    const char   *problem;
} ngx_pimap_query_param_t;


static ngx_uint_t ngx_pimap_query_next(u_char **pos, u_char *last, u_char ch,
    ngx_str_t *item);
static ngx_uint_t ngx_pimap_query_pair(u_char **pos, u_char *last,
    ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_pimap_query_types(ngx_pool_t *pool, ngx_str_t *value,
    void *member);
static ngx_int_t ngx_pimap_query_names(ngx_pool_t *pool, ngx_str_t *value,
    void *member);
static ngx_int_t ngx_pimap_query_events(ngx_pool_t *pool, ngx_str_t *value,
    void *member);
static ngx_int_t ngx_pimap_query_number(ngx_pool_t *pool, ngx_str_t *value,
    void *member);
static ngx_int_t ngx_pimap_query_closeafter(ngx_pool_t *pool,
    ngx_str_t *value, void *member);
static ngx_int_t ngx_pimap_query_format(ngx_pool_t *pool, ngx_str_t *value,
    void *member);
static ngx_int_t ngx_pimap_query_add(ngx_pool_t *pool, ngx_array_t **names,
    ngx_str_t *name);


static ngx_pimap_query_param_t  ngx_pimap_query_params[] = {

    { ngx_string("types"), 0, ngx_pimap_query_types,
      offsetof(ngx_pimap_query_t, types),
      "\"types\" must be \"*\" or a comma list of JMAP type names" },

    { ngx_string("mailboxes"), 1, ngx_pimap_query_names,
      offsetof(ngx_pimap_query_t, mailboxes),
      "\"mailboxes\" must be a comma list of at most 64 names in UTF-8, "
      "each percent-encoded" },

    { ngx_string("collections"), 1, ngx_pimap_query_names,
      offsetof(ngx_pimap_query_t, collections),
      "\"collections\" must be a comma list of at most 64 paths in UTF-8, "
      "each percent-encoded" },

    { ngx_string("events"), 0, ngx_pimap_query_events,
      offsetof(ngx_pimap_query_t, events),
      "\"events\" must be a comma list of at most 64 event names" },

    { ngx_string("ping"), 0, ngx_pimap_query_number,
      offsetof(ngx_pimap_query_t, ping),
      "\"ping\" must be a number of seconds, or 0" },

    { ngx_string("wait"), 0, ngx_pimap_query_number,
      offsetof(ngx_pimap_query_t, wait),
      "\"wait\" must be a number of seconds" },

    { ngx_string("closeafter"), 0, ngx_pimap_query_closeafter,
      offsetof(ngx_pimap_query_t, closeafter),
      "\"closeafter\" must be \"state\" or \"no\"" },

    { ngx_string("format"), 0, ngx_pimap_query_format,
      offsetof(ngx_pimap_query_t, format),
      "\"format\" must be \"sse\", \"ndjson\" or \"json\"" },

    /* Apache James' URI template spells it like this */

    { ngx_string("closeAfter"), 0, ngx_pimap_query_closeafter,
      offsetof(ngx_pimap_query_t, closeafter),
      "\"closeafter\" must be \"state\" or \"no\"" },

    { ngx_null_string, 0, NULL, 0, NULL }
};


ngx_int_t
ngx_pimap_query_parse(ngx_pool_t *pool, ngx_str_t *args,
    ngx_pimap_query_t *query, const char **problem)
{
    u_char                   *p, *last;
    ngx_int_t                 rc;
    ngx_str_t                 name, value;
    ngx_pimap_query_param_t  *param;

    query->types = 0;
    query->mailboxes = NULL;
    query->collections = NULL;
    query->events = NULL;
    query->ping = NGX_CONF_UNSET;
    query->wait = NGX_CONF_UNSET;
    query->closeafter = 0;
    query->format = NGX_CONF_UNSET;

    p = args->data;
    last = args->data + args->len;

    while (ngx_pimap_query_pair(&p, last, &name, &value)) {

        for (param = ngx_pimap_query_params; param->name.len; param++) {
            if (ngx_pimap_equal(&param->name, &name)) {
                break;
            }
        }

        if (param->name.len == 0) {
            continue;
        }

        rc = param->items ? NGX_OK
                          : ngx_pimap_query_decode(pool, &value, &value);

        if (rc == NGX_OK) {
            rc = param->parse(pool, &value, (char *) query + param->offset);
        }

        if (rc != NGX_OK) {
            *problem = param->problem;
            return rc;
        }
    }

    if (query->types == 0) {
        query->types = PIMAP_TYPES_ALL;
    }

    return NGX_OK;
}


/* True if there was one more item, maybe an empty one. */

static ngx_uint_t
ngx_pimap_query_next(u_char **pos, u_char *last, u_char ch, ngx_str_t *item)
{
    u_char  *p;

    if (*pos == NULL || *pos > last) {
        return 0;
    }

    for (p = *pos; p < last && *p != ch; p++) { /* void */ }

    item->data = *pos;
    item->len = p - *pos;

    *pos = p + 1;

    return 1;
}


static ngx_uint_t
ngx_pimap_query_pair(u_char **pos, u_char *last, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   pair;

    if (!ngx_pimap_query_next(pos, last, '&', &pair)) {
        return 0;
    }

    last = pair.data + pair.len;

    p = ngx_strlchr(pair.data, last, '=');

    name->data = pair.data;
    name->len = (p ? p : last) - pair.data;

    value->data = p ? p + 1 : last;
    value->len = last - value->data;

    return 1;
}


ngx_int_t
ngx_pimap_query_arg(ngx_pool_t *pool, ngx_str_t *args, const char *wanted,
    ngx_str_t *value)
{
    size_t      len;
    u_char     *p, *last;
    ngx_str_t   name, raw;

    len = ngx_strlen(wanted);
    p = args->data;
    last = args->data + args->len;

    while (ngx_pimap_query_pair(&p, last, &name, &raw)) {

        if (name.len == len && ngx_strncmp(name.data, wanted, len) == 0) {
            return ngx_pimap_query_decode(pool, &raw, value);
        }
    }

    ngx_str_null(value);

    return NGX_OK;
}


ngx_int_t
ngx_pimap_query_decode(ngx_pool_t *pool, ngx_str_t *from, ngx_str_t *to)
{
    u_char     *s, *d, *last;
    ngx_int_t   n;

    d = ngx_pnalloc(pool, from->len + 1);
    if (d == NULL) {
        return NGX_ERROR;
    }

    s = from->data;
    last = s + from->len;

    for (to->data = d; s < last; s++) {

        if (*s == '+') {
            *d++ = ' ';
            continue;
        }

        if (*s != '%') {
            *d++ = *s;
            continue;
        }

        n = last - s > 2 ? ngx_hextoi(s + 1, 2) : NGX_ERROR;

        if (n == NGX_ERROR) {
            return NGX_DECLINED;
        }

        *d++ = (u_char) n;
        s += 2;
    }

    to->len = d - to->data;

    return NGX_OK;
}


/* nginx's decoder takes any byte from 0x80 on for the next of a character. */

ngx_uint_t
ngx_pimap_query_printable(ngx_str_t *text)
{
    size_t        i;
    pimap_utf8_t  utf8;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            return 0;
        }
    }

    ngx_memzero(&utf8, sizeof(pimap_utf8_t));

    return pimap_utf8_check(&utf8, text->data, text->len) && utf8.need == 0;
}


static ngx_int_t
ngx_pimap_query_types(ngx_pool_t *pool, ngx_str_t *value, void *member)
{
    uint32_t  *types = member;

    u_char     *p;
    ngx_str_t   name;

    if (ngx_pimap_is(value, "*")) {
        *types = PIMAP_TYPES_ALL;
        return NGX_OK;
    }

    p = value->data;

    while (ngx_pimap_query_next(&p, value->data + value->len, ',', &name)) {

        if (name.len == 0) {
            return NGX_DECLINED;
        }

        *types |= pimap_type_bit((char *) name.data, name.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_names(ngx_pool_t *pool, ngx_str_t *value, void *member)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   item, name;

    p = value->data;

    while (ngx_pimap_query_next(&p, value->data + value->len, ',', &item)) {

        rc = ngx_pimap_query_decode(pool, &item, &name);

        if (rc != NGX_OK) {
            return rc;
        }

        if (!ngx_pimap_query_printable(&name)) {
            return NGX_DECLINED;
        }

        rc = ngx_pimap_query_add(pool, member, &name);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_events(ngx_pool_t *pool, ngx_str_t *value, void *member)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   name;

    p = value->data;

    while (ngx_pimap_query_next(&p, value->data + value->len, ',', &name)) {

        rc = ngx_pimap_query_add(pool, member, &name);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_format(ngx_pool_t *pool, ngx_str_t *value, void *member)
{
    ngx_int_t  *format = member;

    ngx_int_t         i;
    const ngx_str_t  *name;

    for (i = 0; i < NGX_PIMAP_NFORMATS; i++) {
        name = &ngx_pimap_encoders[i]->name;

        if (name->len && ngx_pimap_equal(name, value)) {
            *format = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_pimap_query_add(ngx_pool_t *pool, ngx_array_t **names, ngx_str_t *name)
{
    ngx_str_t  *s;

    if (name->len == 0) {
        return NGX_DECLINED;
    }

    if (*names == NULL) {
        *names = ngx_array_create(pool, 4, sizeof(ngx_str_t));
        if (*names == NULL) {
            return NGX_ERROR;
        }
    }

    if ((*names)->nelts == NGX_PIMAP_QUERY_MAX_NAMES) {
        return NGX_DECLINED;
    }

    s = ngx_array_push(*names);
    if (s == NULL) {
        return NGX_ERROR;
    }

    *s = *name;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_number(ngx_pool_t *pool, ngx_str_t *value, void *member)
{
    ngx_int_t  *number = member;

    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < '0' || value->data[i] > '9') {
            return NGX_DECLINED;
        }
    }

    if (i == 0) {
        return NGX_DECLINED;
    }

    /* the caller clamps large numbers */

    *number = ngx_atoi(value->data, value->len);

    if (*number == NGX_ERROR || *number > NGX_MAX_INT32_VALUE) {
        *number = NGX_MAX_INT32_VALUE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_closeafter(ngx_pool_t *pool, ngx_str_t *value, void *member)
{
    ngx_uint_t  *closeafter = member;

    *closeafter = ngx_pimap_is(value, "state");

    return *closeafter || ngx_pimap_is(value, "no") ? NGX_OK : NGX_DECLINED;
}
