
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the notifications of other mail servers, in their own JSON: they become
 * lines that name their accounts.  Called by publish.  Invariant: a body is
 * taken whole, or nothing of it is published.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_zone.h"

#include "pimap_cyrus.h"
#include "pimap_james.h"
#include "pimap_stalwart.h"


#define NGX_PIMAP_PUBLISH_FORMAT_GROWTH  4      /* times "pimap_max_body" */


typedef pimap_json_status_t (*ngx_pimap_publish_format_pt)(char *text,
    size_t len, pimap_lines_t *lines, char *why, size_t why_size);


typedef struct {
    ngx_str_t                     name;
    ngx_pimap_publish_format_pt   lines;
} ngx_pimap_publish_mapping_t;


static ngx_int_t ngx_pimap_publish_format_map(ngx_pimap_publish_request_t *pr,
    ngx_str_t *body, pimap_lines_t *lines);
static ngx_int_t ngx_pimap_publish_format_text(
    ngx_pimap_publish_request_t *pr, ngx_str_t *text, ngx_uint_t line,
    pimap_lines_t *lines);
static void ngx_pimap_publish_format_cleanup(void *data);


static ngx_pimap_publish_mapping_t  ngx_pimap_publish_mappings[] = {
    { ngx_string("stalwart"), pimap_stalwart_lines },
    { ngx_string("james"), pimap_james_lines },
    { ngx_string("cyrus"), pimap_cyrus_lines },
    { ngx_null_string, NULL }
};


ngx_int_t
ngx_pimap_publish_format_check(ngx_pimap_publish_request_t *pr,
    const char **problem)
{
    ngx_str_t                     name;
    ngx_http_request_t           *r;
    ngx_pimap_loc_conf_t         *plcf;
    ngx_pimap_publish_mapping_t  *m;

    r = pr->request;

    if (ngx_http_arg(r, (u_char *) "format", 6, &name) != NGX_OK) {
        return NGX_OK;
    }

    for (m = ngx_pimap_publish_mappings; m->name.len; m++) {
        if (ngx_pimap_equal(&m->name, &name)) {
            break;
        }
    }

    if (m->name.len == 0) {
        *problem = "\"format\" must be \"stalwart\", \"james\" or \"cyrus\"";
        return NGX_HTTP_BAD_REQUEST;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (!plcf->batch || pr->account.len) {
        *problem = "\"format\" is for \"pimap_publish batch\" and a request "
                   "that names no account";
        return NGX_HTTP_BAD_REQUEST;
    }

    pr->mapping = m;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_publish_format(ngx_pimap_publish_request_t *pr, ngx_str_t *body)
{
    ngx_int_t              rc;
    ngx_str_t              text;
    pimap_lines_t         *lines;
    ngx_pool_cleanup_t    *cln;
    ngx_pimap_loc_conf_t  *plcf;

    cln = ngx_pool_cleanup_add(pr->request->pool, sizeof(pimap_lines_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    plcf = ngx_http_get_module_loc_conf(pr->request, ngx_pimap_module);
    lines = cln->data;

    pimap_lines_init(lines, NGX_PIMAP_PUBLISH_FORMAT_GROWTH * plcf->max_body);
    cln->handler = ngx_pimap_publish_format_cleanup;

    rc = ngx_pimap_publish_format_map(pr, body, lines);

    if (rc != NGX_OK) {
        return rc == NGX_ABORT ? pr->refused : rc;
    }

    if (lines->n == 0) {
        ngx_str_null(&text);
        return ngx_pimap_answer(pr->request, NGX_HTTP_NO_CONTENT,
                                "application/x-ndjson", &text);
    }

    text.data = (u_char *) lines->data;
    text.len = lines->len;

    return ngx_pimap_publish_batch(pr, &text);
}


/* NGX_ABORT if the request was refused. */

static ngx_int_t
ngx_pimap_publish_format_map(ngx_pimap_publish_request_t *pr, ngx_str_t *body,
    pimap_lines_t *lines)
{
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  n;

    if (!ngx_pimap_body_is(pr->request, "application/x-ndjson")) {
        return ngx_pimap_publish_format_text(pr, body, 0, lines);
    }

    n = 0;

    while (ngx_pimap_body_line(body, &text, &n)) {

        rc = ngx_pimap_publish_format_text(pr, &text, n, lines);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_publish_format_text(ngx_pimap_publish_request_t *pr,
    ngx_str_t *text, ngx_uint_t line, pimap_lines_t *lines)
{
    char                          reason[128];
    pimap_json_status_t           status;
    ngx_pimap_publish_mapping_t  *m;

    m = pr->mapping;

    status = m->lines((char *) text->data, text->len, lines, reason,
                      sizeof(reason));

    if (status == PIMAP_JSON_NO_MEMORY
        || lines->status == PIMAP_JSON_NO_MEMORY)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == PIMAP_JSON_OK && lines->status == PIMAP_JSON_OK) {
        return NGX_OK;
    }

    ngx_pimap_count(publish_invalid);

    pr->refused = status == PIMAP_JSON_OK
                  ? ngx_pimap_problem(pr->request,
                                      NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                      "its events are larger than four times "
                                      "\"pimap_max_body\"")
                  : ngx_pimap_problem_line(pr->request, NGX_HTTP_BAD_REQUEST,
                                           "notification", line, reason);

    return NGX_ABORT;
}


static void
ngx_pimap_publish_format_cleanup(void *data)
{
    pimap_lines_free(data);
}
