
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the "pimap_ticket" location.  Called by nginx as its content handler.
 * Invariant: a ticket is never wider and never longer than its login.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_zone.h"


static ngx_int_t ngx_pimap_ticket_location_answer(ngx_http_request_t *r,
    ngx_pimap_login_t *login);


ngx_int_t
ngx_pimap_ticket_location_handler(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    const char         *problem;
    ngx_pimap_login_t  *login;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST))) {
        return ngx_pimap_problem_method(r, "GET, HEAD, POST");
    }

    rc = ngx_pimap_origin(r, &problem);

    if (rc == NGX_OK) {
        rc = ngx_pimap_identity_login(r, &login, &problem);
    }

    if (rc != NGX_OK) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, rc, problem);
    }

    return ngx_pimap_ticket_location_answer(r, login);
}


static ngx_int_t
ngx_pimap_ticket_location_answer(ngx_http_request_t *r,
    ngx_pimap_login_t *login)
{
    uint32_t   expires;
    ngx_str_t  ticket, body;

    if (ngx_pimap_ticket_create(r, login, &ticket, &expires) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = ticket.len + sizeof("{\"ticket\":\"\",\"expires\":}\n") - 1
               + NGX_INT64_LEN;

    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = ngx_sprintf(body.data, "{\"ticket\":\"%V\",\"expires\":%uD}\n",
                           &ticket, expires)
               - body.data;

    return ngx_pimap_answer(r, NGX_HTTP_OK, "application/json", &body);
}
