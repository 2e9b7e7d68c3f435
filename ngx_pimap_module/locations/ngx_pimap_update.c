
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The body is one update, or one a line; all are checked before they are
 * handed over, and Redis takes all or none.
 */


#include "ngx_pimap_update.h"
#include "ngx_pimap_body.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_identity.h"
#include "ngx_pimap_update_request.h"
#include "ngx_pimap_prefer.h"
#include "ngx_pimap_problem.h"
#include "ngx_pimap_zone.h"

#include "pimap_update.h"


static void ngx_pimap_update_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_update_handle(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_pimap_update_identity(ngx_pimap_update_request_t *o);
static ngx_int_t ngx_pimap_update_parse(ngx_pimap_update_request_t *o,
    ngx_str_t *body);
static ngx_int_t ngx_pimap_update_line(ngx_pimap_update_request_t *o,
    ngx_str_t *text, ngx_uint_t line);
static ngx_int_t ngx_pimap_update_add(ngx_pimap_update_request_t *o,
    pimap_update_t *u, ngx_uint_t line);
static ngx_int_t ngx_pimap_update_problem(ngx_pimap_update_request_t *o,
    ngx_uint_t status, ngx_uint_t line, const char *why);
static ngx_msec_t ngx_pimap_update_wait(ngx_http_request_t *r);


ngx_int_t
ngx_pimap_update_handler(ngx_http_request_t *r)
{
    if (r->method != NGX_HTTP_POST) {
        return ngx_pimap_problem_method(r, "POST");
    }

    return ngx_pimap_body_read(r, ngx_pimap_update_body_handler);
}


static void
ngx_pimap_update_body_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  body;

    if (ngx_pimap_body_join(r, &body, &rc) == NGX_OK) {
        rc = ngx_pimap_update_handle(r, &body);
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* NGX_DONE: the request will be answered later. */

static ngx_int_t
ngx_pimap_update_handle(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                    rc;
    ngx_pimap_update_request_t  *o;

    o = ngx_pimap_update_request_create(r);
    if (o == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_pimap_update_identity(o);

    if (rc == NGX_OK) {
        rc = ngx_pimap_update_parse(o, body);
    }

    if (rc == NGX_OK) {
        return ngx_pimap_update_request_ask(o, ngx_pimap_update_wait(r));
    }

    return rc == NGX_ABORT ? o->refused : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* As all below: NGX_ABORT if it has been refused. */

static ngx_int_t
ngx_pimap_update_identity(ngx_pimap_update_request_t *o)
{
    ngx_int_t    rc;
    const char  *problem;

    rc = ngx_pimap_identity_account(o->request, &o->account, &problem);

    if (rc == NGX_OK && o->account.len == 0) {
        rc = NGX_HTTP_UNAUTHORIZED;
        problem = "no account: the request is not logged in";
    }

    if (rc == NGX_OK) {
        rc = ngx_pimap_identity_device(o->request, &o->device, &problem);
    }

    if (rc == NGX_OK || rc == NGX_ERROR) {
        return rc;
    }

    o->refused = ngx_pimap_problem(o->request, rc, problem);

    return NGX_ABORT;
}


static ngx_int_t
ngx_pimap_update_parse(ngx_pimap_update_request_t *o, ngx_str_t *body)
{
    ngx_int_t          rc;
    ngx_str_t          text;
    ngx_pimap_lines_t  lines;

    if (ngx_pimap_body_is(o->request, "application/json")) {
        return ngx_pimap_update_line(o, body, 0);
    }

    /* a form on another site can't send any of these types */

    if (!ngx_pimap_body_is(o->request, "application/x-ndjson")) {
        o->refused = ngx_pimap_problem(o->request,
                                       NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                       "neither application/json "
                                       "nor application/x-ndjson");
        return NGX_ABORT;
    }

    ngx_pimap_body_lines(&lines, body);

    while (ngx_pimap_body_line(&lines, &text)) {

        rc = ngx_pimap_update_line(o, &text, lines.line);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (o->updates.nelts == 0) {
        return ngx_pimap_update_problem(o, NGX_HTTP_BAD_REQUEST, 0,
                                        "there is none in it");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_update_line(ngx_pimap_update_request_t *o, ngx_str_t *text,
    ngx_uint_t line)
{
    char                   why[128];
    pimap_update_t         u;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(o->request, ngx_pimap_module);

    if (o->updates.nelts == plcf->max_updates) {
        return ngx_pimap_update_problem(o, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        line, "more than "
                                        "\"pimap_max_updates\" of them");
    }

    switch (pimap_update_parse(&u, (char *) text->data, text->len,
                               plcf->max_update, why, sizeof(why)))
    {
    case PIMAP_UPDATE_OK:
        return ngx_pimap_update_add(o, &u, line);

    case PIMAP_UPDATE_TOO_LARGE:
        return ngx_pimap_update_problem(o, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        line, "larger than "
                                        "\"pimap_max_update\"");
    case PIMAP_UPDATE_NO_MEMORY:
        return NGX_ERROR;

    default:
        return ngx_pimap_update_problem(o, NGX_HTTP_BAD_REQUEST, line, why);
    }
}


/* The same one twice in a body is one. */

static ngx_int_t
ngx_pimap_update_add(ngx_pimap_update_request_t *o, pimap_update_t *u,
    ngx_uint_t line)
{
    ngx_uint_t           i;
    ngx_pimap_queued_t  *other, *update;

    other = o->updates.elts;

    for (i = 0; i < o->updates.nelts; i++) {
        if (other[i].id.len == u->id.len
            && ngx_memcmp(other[i].id.data, u->id.data, u->id.len) == 0
            && (other[i].json.len != u->json.len
                || ngx_memcmp(other[i].json.data, u->json.data, u->json.len)
                   != 0))
        {
            return ngx_pimap_update_problem(o, NGX_HTTP_BAD_REQUEST, line,
                                            "the id of another line");
        }
    }

    update = ngx_array_push(&o->updates);
    if (update == NULL) {
        return NGX_ERROR;
    }

    update->line = line;
    update->json.data = (u_char *) u->json.data;
    update->json.len = u->json.len;
    update->id.len = u->id.len;
    update->id.data = ngx_pnalloc(o->request->pool, u->id.len);

    if (update->id.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(update->id.data, u->id.data, u->id.len);

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_update_problem(ngx_pimap_update_request_t *o, ngx_uint_t status,
    ngx_uint_t line, const char *why)
{
    ngx_pimap_count(updates_invalid);

    o->refused = ngx_pimap_update_request_problem(o, status, line, why);

    return NGX_ABORT;
}


/* Milliseconds; 0: it does not wait. */

static ngx_msec_t
ngx_pimap_update_wait(ngx_http_request_t *r)
{
    ngx_int_t              wait;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    wait = ngx_pimap_prefer_wait(r);

    return wait > 0 ? (ngx_msec_t) ngx_min(wait, plcf->update_wait) * 1000 : 0;
}
