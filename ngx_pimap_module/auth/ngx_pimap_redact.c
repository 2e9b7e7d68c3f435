
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redacts tokens and tickets.  Called by nginx in its first phase, and by
 * login.  Invariant: no log shows a token of the query.  The request line is
 * only for logs, so it is redacted for all locations.  The query is redacted
 * after our location has read it.
 */


#include "ngx_pimap_login.h"


static ngx_int_t ngx_pimap_redact_handler(ngx_http_request_t *r);
static u_char *ngx_pimap_redact_next(u_char *p, u_char *last);
static void ngx_pimap_redact_values(ngx_str_t *text);


static ngx_str_t  ngx_pimap_redact_names[] = {
    ngx_string("access_token="),
    ngx_string("ticket="),
    ngx_null_string
};


ngx_int_t
ngx_pimap_redact_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_pimap_redact_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_redact_handler(ngx_http_request_t *r)
{
    u_char     *last, *copy;
    ngx_str_t   line;

    line = r->request_line;
    last = line.data + line.len;

    if (r->args.len == 0 || ngx_pimap_redact_next(line.data, last) == NULL) {
        return NGX_DECLINED;
    }

    /* logs read an empty line as it is, but for NULL the line in the buffer */

    r->request_line.len = 0;

    /* the buffer also has the query, which is still needed */

    copy = ngx_pstrdup(r->pool, &line);
    if (copy == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->request_line.data = copy;
    r->request_line.len = line.len;

    ngx_pimap_redact_values(&r->request_line);

    return NGX_DECLINED;
}


void
ngx_pimap_redact(ngx_http_request_t *r)
{
    ngx_pimap_redact_values(&r->args);
    ngx_pimap_redact_values(&r->unparsed_uri);
}


static void
ngx_pimap_redact_values(ngx_str_t *text)
{
    u_char  *p, *last;

    last = text->data + text->len;

    for (p = ngx_pimap_redact_next(text->data, last);
         p;
         p = ngx_pimap_redact_next(p, last))
    {
        while (p < last && *p != '&' && *p != ' ' && *p != '#') {
            *p++ = '*';
        }
    }
}


/* The next value to redact, or NULL. */

static u_char *
ngx_pimap_redact_next(u_char *p, u_char *last)
{
    u_char      before;
    ngx_str_t  *name;

    for (before = '&'; p < last; before = *p++) {

        if (before != '&' && before != '?') {
            continue;
        }

        for (name = ngx_pimap_redact_names; name->len; name++) {
            if ((size_t) (last - p) >= name->len
                && ngx_memcmp(p, name->data, name->len) == 0)
            {
                return p + name->len;
            }
        }
    }

    return NULL;
}
