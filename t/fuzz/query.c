
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a query and request headers, a line each.  Names in the
 * query are decoded to UTF-8 without control characters, and come back when
 * they are encoded again.  No page of another origin gets a WebSocket.  The
 * first byte chooses settings, the second when memory runs out.
 *
 * Reaches: fuzz_names, ngx_pimap_query_format, ngx_pimap_query_number,
 *     ngx_pimap_filter_check, ngx_pimap_accept_weight,
 *     ngx_pimap_header_preference, ngx_pimap_origin_same,
 *     ngx_pimap_websocket_handshake_head, fuzz_same_host,
 *     ngx_pimap_superseded_id_strip.
 */


#include "fuzz_nginx.h"

#include "ngx_pimap_encode.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_park_request.h"

#include "pimap_types.h"


#define FUZZ_HEADERS        16

#define FUZZ_COMPRESS       0x01
#define FUZZ_ORIGINS        0x02
#define FUZZ_ANY_ORIGIN     0x04
#define FUZZ_POST           0x08


static ngx_pool_t                *fuzz_pool;
static ngx_http_complex_value_t   fuzz_compress = { ngx_string("1"), NULL,
                                                    NULL, NULL, { 0 } };


static void
fuzz_str(ngx_str_t *str, const uint8_t *data, size_t len)
{
    str->len = len;
    str->data = fuzz_piece(len);
    memcpy(str->data, data, len);
}


/* Encodes the names, all bytes or only those that need it. */

static void
fuzz_encode(u_char **to, const char *name, ngx_array_t *names, int all)
{
    u_char      *p = *to, *c;
    ngx_str_t   *item;
    ngx_uint_t   i, n;

    if (names == NULL) {
        return;
    }

    item = names->elts;
    p += sprintf((char *) p, "&%s=", name);

    for (i = 0; i < names->nelts; i++) {

        if (i) {
            *p++ = ',';
        }

        for (n = 0; n < item[i].len; n++) {
            c = &item[i].data[n];
            p += all || *c >= 0x80 || strchr("%+&, #", *c)
                 ? sprintf((char *) p, "%%%02X", *c)
                 : sprintf((char *) p, "%c", *c);
        }
    }

    *to = p;
}


static void
fuzz_equal(ngx_array_t *a, ngx_array_t *b)
{
    ngx_str_t   *x, *y;
    ngx_uint_t   i;

    fuzz_check((a == NULL) == (b == NULL));

    if (a == NULL) {
        return;
    }

    fuzz_check(a->nelts == b->nelts);

    x = a->elts;
    y = b->elts;

    for (i = 0; i < a->nelts; i++) {
        fuzz_check(ngx_pimap_equal(&x[i], &y[i]));
    }
}


static void
fuzz_names(ngx_array_t *names, int text)
{
    size_t       n;
    ngx_str_t   *name;
    ngx_uint_t   i;

    fuzz_check(names->nelts && names->nelts <= NGX_PIMAP_QUERY_MAX_NAMES);

    name = names->elts;

    for (i = 0; i < names->nelts; i++) {
        fuzz_check(name[i].len);
        fuzz_check(!text || fuzz_is_utf8((char *) name[i].data, name[i].len));

        for (n = 0; text && n < name[i].len; n++) {
            fuzz_check(name[i].data[n] >= 0x20 && name[i].data[n] != 0x7f);
        }
    }
}


static void
fuzz_again(ngx_pimap_query_t *query, size_t len, int all)
{
    u_char             *p;
    ngx_str_t           args;
    const char         *problem;
    ngx_pimap_query_t   again;

    args.data = fuzz_piece(3 * len + 64);
    p = args.data;

    fuzz_encode(&p, "mailboxes", query->mailboxes, all);
    fuzz_encode(&p, "collections", query->collections, all);
    args.len = p - args.data;

    fuzz_check(ngx_pimap_query_parse(fuzz_pool, &args, &again, &problem)
               == NGX_OK);

    fuzz_equal(query->mailboxes, again.mailboxes);
    fuzz_equal(query->collections, again.collections);
}


static void
fuzz_filter(ngx_pimap_query_t *query)
{
    ngx_int_t            rc;
    ngx_pimap_filter_t  *filter;

    rc = ngx_pimap_filter_create(&filter, query->types, query->mailboxes,
                                 query->collections, query->events,
                                 &fuzz_log);

    if (filter) {
        fuzz_check(rc == NGX_OK);
        fuzz_check(ngx_pimap_filter_check(filter, filter->size) == NGX_OK);
        ngx_free(filter);
    }
}


/* What is left is the beginning of the text. */

static void
fuzz_superseded(ngx_str_t *text)
{
    ngx_str_t   id;
    ngx_uint_t  recent;

    id = *text;
    recent = ngx_pimap_superseded_id_strip(&id);

    fuzz_check(id.data == text->data && id.len <= text->len);
    fuzz_check(!recent || id.len < text->len);
}


static void
fuzz_query(ngx_str_t *args)
{
    ngx_int_t           rc;
    ngx_str_t           value;
    const char         *problem;
    ngx_pimap_query_t   query;

    problem = NULL;
    rc = ngx_pimap_query_parse(fuzz_pool, args, &query, &problem);

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED || rc == NGX_ERROR);
    fuzz_check(rc != NGX_DECLINED || problem);

    if (rc == NGX_OK) {
        fuzz_memory = 0;

        fuzz_check(query.types);
        fuzz_check(query.ping >= -1 && query.ping <= NGX_MAX_INT32_VALUE);
        fuzz_check(query.wait >= -1 && query.wait <= NGX_MAX_INT32_VALUE);
        fuzz_check(query.format >= -1
                   && query.format < (ngx_int_t) NGX_PIMAP_NFORMATS);

        if (query.mailboxes) {
            fuzz_names(query.mailboxes, 1);
        }

        if (query.collections) {
            fuzz_names(query.collections, 1);
        }

        if (query.events) {
            fuzz_names(query.events, 0);
        }

        fuzz_again(&query, args->len, 0);
        fuzz_again(&query, args->len, 1);
        fuzz_filter(&query);
    }

    rc = ngx_pimap_query_arg(fuzz_pool, args, "last-event-id", &value);

    if (rc == NGX_OK) {
        fuzz_superseded(&value);
    }

    rc = ngx_pimap_query_arg(fuzz_pool, args, "device", &value);

    fuzz_check(rc != NGX_OK || value.len <= args->len);
    fuzz_check(rc != NGX_OK || !ngx_pimap_query_printable(&value)
               || fuzz_is_utf8((char *) value.data, value.len));
}


/* Is the host of the origin that of the request?  Another way than ours. */

static int
fuzz_same_host(ngx_str_t *origin, ngx_str_t *host)
{
    char  a[300], b[300];

    if (origin->len > 200 || host->len > 200) {
        return 1;
    }

    snprintf(a, sizeof(a), "%.*s", (int) origin->len, origin->data);
    snprintf(b, sizeof(b), "https://%.*s", (int) host->len, host->data);

    if (strncasecmp(a, b, 8) != 0) {
        snprintf(b, sizeof(b), "http://%.*s", (int) host->len, host->data);
    }

    return strcasecmp(a, b) == 0 || strstr(a, ":443") || strstr(a, ":80")
           || strstr(b, ":443") || strstr(b, ":80");
}


static void
fuzz_websocket(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    ngx_str_t    origin;
    const char  *problem, *extensions;

    if (!ngx_pimap_websocket_handshake_wanted(r)) {
        return;
    }

    problem = NULL;
    rc = ngx_pimap_websocket_handshake_check(r, &problem);

    if (rc != NGX_OK) {
        fuzz_check(rc == NGX_ERROR || problem);
        return;
    }

    /* an empty one is none: no browser sends it */

    if (ngx_pimap_header(r, "Origin", &origin) && origin.len) {
        fuzz_check(fuzz_conf.origins
                   || (r->headers_in.host
                       && fuzz_same_host(&origin,
                                         &r->headers_in.host->value)));
    }

    extensions = ngx_pimap_websocket_handshake_deflate(r);

    rc = ngx_pimap_websocket_handshake_head(r, extensions);
    fuzz_check(rc == NGX_OK || rc == NGX_ERROR);
}


static void
fuzz_headers(ngx_http_request_t *r)
{
    ngx_int_t           wait, rc;
    ngx_pimap_coding_t  coding;

    fuzz_check(ngx_pimap_accept_format(r) < NGX_PIMAP_NFORMATS);

    rc = ngx_pimap_accept_coding(r, &coding);
    fuzz_check(rc == NGX_OK && coding < NGX_PIMAP_NCODINGS);

    wait = ngx_pimap_header_prefer_wait(r);
    fuzz_check(wait >= 0 || wait == NGX_DECLINED);

    (void) ngx_pimap_body_is(r, "application/json");

    fuzz_websocket(r);
}


/* "Name: value" */

static void
fuzz_header(ngx_http_request_t *r, const uint8_t *line, size_t len)
{
    ngx_str_t         name, value;
    const uint8_t    *colon;
    ngx_table_elt_t  *h;

    colon = memchr(line, ':', len);

    if (colon == NULL) {
        return;
    }

    fuzz_str(&name, line, colon - line);

    for (colon++; colon < line + len && *colon == ' '; colon++) { /* void */ }

    fuzz_str(&value, colon, line + len - colon);

    h = fuzz_nginx_header(r, &name, &value);

    if (name.len == 4 && strncasecmp((char *) name.data, "host", 4) == 0) {
        r->headers_in.host = h;

    } else if (name.len == 12
               && strncasecmp((char *) name.data, "content-type", 12) == 0)
    {
        r->headers_in.content_type = h;
    }
}


static void
fuzz_settings(ngx_http_request_t *r, unsigned set)
{
    static ngx_array_t  origins;
    static ngx_str_t    allowed[2];

    ngx_str_set(&allowed[0], "https://mail.example.com");
    ngx_str_set(&allowed[1], "*");

    origins.elts = allowed;
    origins.nelts = set & FUZZ_ANY_ORIGIN ? 2 : 1;

    memset(&fuzz_conf, 0, sizeof(fuzz_conf));
    fuzz_conf.compress.value = set & FUZZ_COMPRESS ? &fuzz_compress : NULL;
    fuzz_conf.origins = set & FUZZ_ORIGINS ? &origins : NULL;

    r->method = set & FUZZ_POST ? NGX_HTTP_POST : NGX_HTTP_GET;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                 i;
    size_t              len;
    unsigned            set, memory;
    fuzz_in_t           in = { data, data + size };
    ngx_str_t           args;
    const uint8_t      *line;
    ngx_http_request_t  r;

    fuzz_nginx_init();

    if (ngx_cached_time == NULL) {
        ngx_time_init();
    }

    fuzz_pool = fuzz_nginx_pool();
    fuzz_nginx_request(&r, fuzz_pool);

    set = fuzz_byte(&in);
    memory = fuzz_byte(&in);
    fuzz_settings(&r, set);

    len = fuzz_until(&in, '\n', &line);
    fuzz_str(&args, line, len);

    for (i = 0; i < FUZZ_HEADERS && in.p < in.last; i++) {
        len = fuzz_until(&in, '\n', &line);
        fuzz_header(&r, line, len);
    }

    fuzz_memory = memory < 64 ? memory : 0;
    fuzz_query(&args);

    fuzz_memory = memory < 64 ? memory : 0;
    fuzz_headers(&r);

    fuzz_nginx_free(fuzz_pool);

    return 0;
}
