
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names of types and events have no commas, so their lists are decoded and
 * then split (a URI template encodes the commas).  Names of mailboxes and
 * collections may have them, encoded: these lists are split and then decoded.
 */


#include "ngx_pimap_query.h"
#include "ngx_pimap_encode.h"

#include "pimap_types.h"


typedef ngx_int_t (*ngx_pimap_query_pt)(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query);

typedef struct {
    ngx_str_t            name;
    ngx_pimap_query_pt   parse;
    const char          *problem;
} ngx_pimap_query_param_t;


static ngx_pimap_query_param_t *ngx_pimap_query_find(ngx_str_t *name);
static ngx_uint_t ngx_pimap_query_next(u_char **pos, u_char *last, u_char ch,
    ngx_str_t *item);
static void ngx_pimap_query_split(ngx_str_t *pair, ngx_str_t *name,
    ngx_str_t *value);
static ngx_int_t ngx_pimap_query_types(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_mailboxes(ngx_pool_t *pool,
    ngx_str_t *value, ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_collections(ngx_pool_t *pool,
    ngx_str_t *value, ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_names(ngx_pool_t *pool, ngx_str_t *value,
    ngx_array_t **names);
static ngx_int_t ngx_pimap_query_events(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_ping(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_wait(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_number(ngx_pool_t *pool, ngx_str_t *value,
    ngx_int_t *number);
static ngx_int_t ngx_pimap_query_closeafter(ngx_pool_t *pool,
    ngx_str_t *value, ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_format(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query);
static ngx_int_t ngx_pimap_query_add(ngx_pool_t *pool, ngx_array_t **names,
    ngx_str_t *name);


static ngx_pimap_query_param_t  ngx_pimap_query_params[] = {

    { ngx_string("types"), ngx_pimap_query_types,
      "\"types\" must be \"*\" or a comma list of JMAP type names" },

    { ngx_string("mailboxes"), ngx_pimap_query_mailboxes,
      "\"mailboxes\" must be a comma list of at most 64 names in UTF-8, "
      "each percent-encoded" },

    { ngx_string("collections"), ngx_pimap_query_collections,
      "\"collections\" must be a comma list of at most 64 paths in UTF-8, "
      "each percent-encoded" },

    { ngx_string("events"), ngx_pimap_query_events,
      "\"events\" must be a comma list of at most 64 event names" },

    { ngx_string("ping"), ngx_pimap_query_ping,
      "\"ping\" must be a number of seconds, or 0" },

    { ngx_string("wait"), ngx_pimap_query_wait,
      "\"wait\" must be a number of seconds" },

    { ngx_string("closeafter"), ngx_pimap_query_closeafter,
      "\"closeafter\" must be \"state\" or \"no\"" },

    { ngx_string("format"), ngx_pimap_query_format,
      "\"format\" must be \"sse\", \"ndjson\" or \"json\"" },

    /* as Apache James spells it in its URI template */

    { ngx_string("closeAfter"), ngx_pimap_query_closeafter,
      "\"closeafter\" must be \"state\" or \"no\"" },

    { ngx_null_string, NULL, NULL }
};


ngx_int_t
ngx_pimap_query_parse(ngx_pool_t *pool, ngx_str_t *args,
    ngx_pimap_query_t *query, const char **problem)
{
    u_char                   *p, *last;
    ngx_int_t                 rc;
    ngx_str_t                 pair, name, value;
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

    while (ngx_pimap_query_next(&p, last, '&', &pair)) {

        ngx_pimap_query_split(&pair, &name, &value);

        param = ngx_pimap_query_find(&name);

        if (param == NULL) {
            continue;
        }

        rc = param->parse(pool, &value, query);

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


static ngx_pimap_query_param_t *
ngx_pimap_query_find(ngx_str_t *name)
{
    ngx_pimap_query_param_t  *param;

    for (param = ngx_pimap_query_params; param->name.len; param++) {
        if (param->name.len == name->len
            && ngx_strncmp(param->name.data, name->data, name->len) == 0)
        {
            return param;
        }
    }

    return NULL;
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


static void
ngx_pimap_query_split(ngx_str_t *pair, ngx_str_t *name, ngx_str_t *value)
{
    u_char  *p, *last;

    last = pair->data + pair->len;

    for (p = pair->data; p < last && *p != '='; p++) { /* void */ }

    name->data = pair->data;
    name->len = p - pair->data;

    value->data = p < last ? p + 1 : last;
    value->len = last - value->data;
}


ngx_int_t
ngx_pimap_query_arg(ngx_pool_t *pool, ngx_str_t *args, const char *wanted,
    ngx_str_t *value)
{
    size_t      len;
    u_char     *p, *last;
    ngx_str_t   pair, name, raw;

    len = ngx_strlen(wanted);
    p = args->data;
    last = args->data + args->len;

    while (ngx_pimap_query_next(&p, last, '&', &pair)) {

        ngx_pimap_query_split(&pair, &name, &raw);

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

    to->data = d;
    last = from->data + from->len;

    for (s = from->data; s < last; s++) {

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


ngx_uint_t
ngx_pimap_query_printable(ngx_str_t *text)
{
    size_t      i;
    ngx_uint_t  ascii;

    ascii = 1;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            return 0;
        }

        if (text->data[i] >= 0x80) {
            ascii = 0;
        }

        /* RFC 3629, 3: surrogates, which nginx lets pass */

        if (text->data[i] == 0xed && i + 1 < text->len
            && text->data[i + 1] >= 0xa0)
        {
            return 0;
        }
    }

    /* nginx counts invalid UTF-8 in bytes; good one has fewer characters */

    return ascii || ngx_utf8_length(text->data, text->len) < text->len;
}


static ngx_int_t
ngx_pimap_query_types(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   list, name;

    rc = ngx_pimap_query_decode(pool, value, &list);

    if (rc != NGX_OK) {
        return rc;
    }

    if (list.len == 1 && list.data[0] == '*') {
        query->types = PIMAP_TYPES_ALL;
        return NGX_OK;
    }

    p = list.data;

    while (ngx_pimap_query_next(&p, list.data + list.len, ',', &name)) {

        if (name.len == 0) {
            return NGX_DECLINED;
        }

        query->types |= pimap_type_bit((char *) name.data, name.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_mailboxes(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    return ngx_pimap_query_names(pool, value, &query->mailboxes);
}


static ngx_int_t
ngx_pimap_query_collections(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    return ngx_pimap_query_names(pool, value, &query->collections);
}


static ngx_int_t
ngx_pimap_query_names(ngx_pool_t *pool, ngx_str_t *value, ngx_array_t **names)
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

        rc = ngx_pimap_query_add(pool, names, &name);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_events(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   list, name;

    rc = ngx_pimap_query_decode(pool, value, &list);

    if (rc != NGX_OK) {
        return rc;
    }

    p = list.data;

    while (ngx_pimap_query_next(&p, list.data + list.len, ',', &name)) {

        rc = ngx_pimap_query_add(pool, &query->events, &name);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_format(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    ngx_int_t         i;
    const ngx_str_t  *name;

    for (i = 0; i < NGX_PIMAP_NFORMATS; i++) {
        name = &ngx_pimap_encoders[i]->name;

        if (name->len && name->len == value->len
            && ngx_strncmp(name->data, value->data, value->len) == 0)
        {
            query->format = i;
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
ngx_pimap_query_ping(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    return ngx_pimap_query_number(pool, value, &query->ping);
}


static ngx_int_t
ngx_pimap_query_wait(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    return ngx_pimap_query_number(pool, value, &query->wait);
}


static ngx_int_t
ngx_pimap_query_number(ngx_pool_t *pool, ngx_str_t *value, ngx_int_t *number)
{
    size_t     i;
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_pimap_query_decode(pool, value, &text);

    if (rc != NGX_OK) {
        return rc;
    }

    if (text.len == 0) {
        return NGX_DECLINED;
    }

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return NGX_DECLINED;
        }
    }

    /* a number that is too large for us will be clamped as any other */

    *number = ngx_atoi(text.data, text.len);

    if (*number == NGX_ERROR) {
        *number = NGX_MAX_INT32_VALUE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_query_closeafter(ngx_pool_t *pool, ngx_str_t *value,
    ngx_pimap_query_t *query)
{
    ngx_int_t  rc;
    ngx_str_t  word;

    rc = ngx_pimap_query_decode(pool, value, &word);

    if (rc != NGX_OK) {
        return rc;
    }

    if (word.len == 5 && ngx_strncmp(word.data, "state", 5) == 0) {
        query->closeafter = 1;
        return NGX_OK;
    }

    if (word.len == 2 && ngx_strncmp(word.data, "no", 2) == 0) {
        query->closeafter = 0;
        return NGX_OK;
    }

    return NGX_DECLINED;
}
