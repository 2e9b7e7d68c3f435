
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the login of a request.  Called by identity and the content handlers.
 * Invariant: a request with a token is never treated as one without.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"

#include "pimap_types.h"


#define NGX_PIMAP_LOGIN_EARLY  60       /* seconds before the token expires */


static ngx_int_t ngx_pimap_login_secret(ngx_http_request_t *r,
    ngx_str_t *secret, ngx_uint_t *method, const char **problem);
static void ngx_pimap_login_bearer(ngx_http_request_t *r, ngx_str_t *token);
static ngx_int_t ngx_pimap_login_token(ngx_http_request_t *r,
    ngx_pimap_login_t *login, ngx_str_t *text, ngx_uint_t method,
    const char **problem);
static ngx_int_t ngx_pimap_login_claims(ngx_http_request_t *r,
    ngx_pimap_login_t *login, json_t *claims, const char **reason);
static ngx_int_t ngx_pimap_login_rights(ngx_http_request_t *r,
    ngx_pimap_login_t *login, json_t *claims, const char **reason);
static json_t *ngx_pimap_login_claim(json_t *claims, ngx_str_t *name);
static ngx_int_t ngx_pimap_login_types(json_t *claim, uint32_t *types);
static void ngx_pimap_login_list(json_t *claim, uint32_t *types);
static void ngx_pimap_login_cleanup(void *data);
static ngx_int_t ngx_pimap_login_refuse(ngx_http_request_t *r,
    const char *reason, const char **problem);


ngx_int_t
ngx_pimap_login(ngx_http_request_t *r, ngx_pimap_login_t **found,
    const char **problem)
{
    ngx_int_t            rc;
    ngx_str_t            secret;
    ngx_uint_t           method;
    ngx_pimap_login_t   *login;
    ngx_pool_cleanup_t  *cln;

    *found = ngx_pimap_login_find(r);

    if (*found) {
        return NGX_OK;
    }

    login = ngx_pcalloc(r->pool, sizeof(ngx_pimap_login_t));
    if (login == NULL) {
        return NGX_ERROR;
    }

    login->request = r;
    login->conf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);
    login->types = PIMAP_TYPES_ALL;
    ngx_str_set(&login->updates, "*");
    login->issued = (uint32_t) ngx_time();

    rc = ngx_pimap_login_secret(r, &secret, &method, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = method == NGX_PIMAP_LOGIN_NGINX
         ? ngx_pimap_account_name(r, &login->account, problem)
         : ngx_pimap_login_token(r, login, &secret, method, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_pimap_login_cleanup;
    cln->data = login;

    *found = login;

    return NGX_OK;
}


/*
 * Subrequests share the pool, and an internal redirect keeps it.  Each has a
 * location of its own, with other rules.
 */

ngx_pimap_login_t *
ngx_pimap_login_find(ngx_http_request_t *r)
{
    ngx_pimap_login_t   *login;
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_pimap_login_cleanup) {
            continue;
        }

        login = cln->data;

        if (login->request == r
            && login->conf == ngx_http_get_module_loc_conf(r,
                                                           ngx_pimap_module))
        {
            return login;
        }
    }

    return NULL;
}


static void
ngx_pimap_login_cleanup(void *data)
{
    /* void: the handler only marks the login */
}


/* Finds the token or the ticket of the request. */

static ngx_int_t
ngx_pimap_login_secret(ngx_http_request_t *r, ngx_str_t *secret,
    ngx_uint_t *method, const char **problem)
{
    ngx_int_t              rc;
    ngx_str_t              header, token, ticket;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    ngx_str_null(&header);
    ngx_str_null(&token);
    ngx_str_null(&ticket);

    rc = NGX_OK;

    if (plcf->login & NGX_PIMAP_LOGIN_TOKEN) {
        ngx_pimap_login_bearer(r, &header);
        rc = ngx_pimap_query_arg(r->pool, &r->args, "access_token", &token);
    }

    if (rc == NGX_OK && (plcf->login & NGX_PIMAP_LOGIN_TICKET)) {
        rc = ngx_pimap_query_arg(r->pool, &r->args, "ticket", &ticket);
    }

    ngx_pimap_redact(r);

    if (rc == NGX_DECLINED) {
        *problem = "the token has an invalid percent-encoding";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if ((header.len != 0) + (token.len != 0) + (ticket.len != 0) > 1) {
        *problem = "the request has more than one token or ticket";
        return NGX_HTTP_BAD_REQUEST;
    }

    *method = header.len || token.len ? NGX_PIMAP_LOGIN_TOKEN
              : ticket.len ? NGX_PIMAP_LOGIN_TICKET : NGX_PIMAP_LOGIN_NGINX;
    *secret = header.len ? header : token.len ? token : ticket;

    if (!(plcf->login & *method)) {
        *problem = plcf->login & NGX_PIMAP_LOGIN_TOKEN
                   ? "the request has no token" : "the request has no ticket";
        return ngx_pimap_login_missing(r);
    }

    return NGX_OK;
}


static void
ngx_pimap_login_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    h = r->headers_in.authorization;

    if (h == NULL || h->value.len < 7
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer ", 7) != 0)
    {
        return;
    }

    value.data = h->value.data + 7;
    value.len = h->value.len - 7;

    while (value.len && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }

    *token = value;
}


static ngx_int_t
ngx_pimap_login_token(ngx_http_request_t *r, ngx_pimap_login_t *login,
    ngx_str_t *text, ngx_uint_t method, const char **problem)
{
    ngx_int_t                 rc;
    const char               *reason;
    ngx_array_t               keys;
    ngx_pimap_key_t           key;
    ngx_pimap_token_t         token;
    ngx_pimap_loc_conf_t     *plcf;
    ngx_pimap_token_rules_t   rules;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    ngx_memzero(&rules, sizeof(ngx_pimap_token_rules_t));

    if (method == NGX_PIMAP_LOGIN_TICKET) {
        ngx_pimap_ticket_keys(plcf, &keys, &key);
        rules.keys = &keys;
        ngx_str_set(&rules.audience, NGX_PIMAP_TICKET_AUDIENCE);

    } else {
        rules.keys = plcf->token_keys;
        rules.issuer = plcf->token_issuer;
        rules.audience = plcf->token_audience;
        rules.leeway = plcf->token_leeway;
    }

    rc = ngx_pimap_token_verify(text, &rules, ngx_time(), &token, &reason);

    if (rc == NGX_OK) {
        login->token = 1;
        login->issued = (uint32_t) token.issued;

        if (method == NGX_PIMAP_LOGIN_TICKET) {
            rc = ngx_pimap_ticket_claims(r, login, token.claims);
            reason = "malformed";

        } else {
            login->expires = (uint32_t) token.expires;
            rc = ngx_pimap_login_claims(r, login, token.claims, &reason);
        }

        json_decref(token.claims);
    }

    if (rc == NGX_DECLINED) {
        return ngx_pimap_login_refuse(r, reason, problem);
    }

    return rc;
}


static ngx_int_t
ngx_pimap_login_claims(ngx_http_request_t *r, ngx_pimap_login_t *login,
    json_t *claims, const char **reason)
{
    ngx_int_t              rc;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    rc = ngx_pimap_account_name_claims(r, claims, &plcf->token_claim,
                                       &plcf->token_device_claim, login,
                                       reason);

    return rc == NGX_OK ? ngx_pimap_login_rights(r, login, claims, reason)
                        : rc;
}


/* What the token limits: the types to receive, and the updates to send. */

static ngx_int_t
ngx_pimap_login_rights(ngx_http_request_t *r, ngx_pimap_login_t *login,
    json_t *claims, const char **reason)
{
    json_t                *types, *updates;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    types = ngx_pimap_login_claim(claims, &plcf->token_types_claim);

    if (types && ngx_pimap_login_types(types, &login->types) != NGX_OK) {
        *reason = "no usable types";
        return NGX_DECLINED;
    }

    updates = ngx_pimap_login_claim(claims, &plcf->token_updates_claim);

    *reason = "no usable updates";

    return updates ? ngx_pimap_login_updates_claim(r->pool, updates,
                                                   &login->updates)
                   : NGX_OK;
}


/* NULL: the token does not have it, or no directive names it. */

static json_t *
ngx_pimap_login_claim(json_t *claims, ngx_str_t *name)
{
    return name->len ? json_object_get(claims, (char *) name->data) : NULL;
}


/* An array of names, or a string of names with commas or spaces. */

static ngx_int_t
ngx_pimap_login_types(json_t *claim, uint32_t *types)
{
    size_t   i, n;
    json_t  *item;

    *types = 0;
    n = json_is_array(claim) ? json_array_size(claim) : 1;

    for (i = 0; i < n; i++) {

        item = json_is_array(claim) ? json_array_get(claim, i) : claim;

        if (!json_is_string(item)) {
            return NGX_DECLINED;
        }

        ngx_pimap_login_list(item, types);
    }

    /* one bit stands for all unknown types, so it can't allow one of them */

    *types &= ~PIMAP_TYPE_OTHER;

    return NGX_OK;
}


static void
ngx_pimap_login_list(json_t *claim, uint32_t *types)
{
    size_t       n;
    const char  *p;

    for (p = json_string_value(claim); *p; p += n) {

        n = strcspn(p, ", ");

        if (n) {
            *types |= pimap_type_bit(p, n);

        } else {
            n = 1;
        }
    }
}


uint32_t
ngx_pimap_login_end(ngx_pimap_login_t *login, time_t leeway)
{
    time_t  left;

    if (login->expires == 0) {
        return 0;
    }

    left = (time_t) login->expires - ngx_time();

    if (left <= 0) {
        return (uint32_t) ngx_min(login->expires + leeway, UINT32_MAX);
    }

    left = ngx_min(left / 10, NGX_PIMAP_LOGIN_EARLY);

    return (uint32_t) (login->expires - ngx_random() % (left + 1));
}


/*
 * nginx has taken its own challenge back if "satisfy any" let the request in.
 * HTTP has no name for a ticket, nor for what another variable stands for.
 */

ngx_int_t
ngx_pimap_login_missing(ngx_http_request_t *r)
{
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (r->headers_out.www_authenticate) {
        r->headers_out.www_authenticate->hash = 1;

    } else if ((plcf->login & NGX_PIMAP_LOGIN_NGINX)
               && ngx_pimap_account_name_is_user(plcf)
               && ngx_pimap_add_header(r, "WWW-Authenticate",
                                       "Basic realm=\"pimap\"")
                  != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((plcf->login & NGX_PIMAP_LOGIN_TOKEN)
        && ngx_pimap_add_header(r, "WWW-Authenticate",
                                "Bearer realm=\"pimap\"")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_HTTP_UNAUTHORIZED;
}


ngx_int_t
ngx_pimap_login_revoked(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    const char  *problem;

    rc = ngx_pimap_login_refuse(r, "revoked", &problem);

    return ngx_pimap_problem(r, rc, problem);
}


/* RFC 6750, 3.1: the status, or NGX_ERROR. */

static ngx_int_t
ngx_pimap_login_refuse(ngx_http_request_t *r, const char *reason,
    const char **problem)
{
    u_char  *p, *text;

    p = ngx_pnalloc(r->pool, sizeof("Bearer realm=\"pimap\", "
                                    "error=\"invalid_token\", "
                                    "error_description=\"\"")
                             + sizeof("the token is refused: ")
                             + 2 * ngx_strlen(reason));
    if (p == NULL) {
        return NGX_ERROR;
    }

    text = ngx_sprintf(p, "Bearer realm=\"pimap\", error=\"invalid_token\", "
                       "error_description=\"%s\"%Z", reason);
    (void) ngx_sprintf(text, "the token is refused: %s%Z", reason);

    *problem = (char *) text;

    if (ngx_pimap_add_header(r, "WWW-Authenticate", (char *) p) != NGX_OK) {
        return NGX_ERROR;
    }

    r->headers_out.www_authenticate = ngx_pimap_last_header(r);

    return NGX_HTTP_UNAUTHORIZED;
}
