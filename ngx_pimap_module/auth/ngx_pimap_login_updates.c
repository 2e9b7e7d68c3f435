
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the lists of updates that logins allow.  Called by login and ticket.
 * Invariant: a list has the form that pimap_update_allowed() reads: names with
 * spaces between them, "*" for every update, empty for none.
 */


#include "ngx_pimap_login.h"

#include "pimap_update.h"


static ngx_int_t ngx_pimap_login_updates_check(ngx_str_t *name);
static u_char *ngx_pimap_login_updates_join(u_char *first, u_char *p,
    const char *text, size_t len);


char *
ngx_pimap_login_updates_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    size_t       len;
    u_char      *p;
    ngx_str_t   *value, *list;
    ngx_uint_t   i;

    list = &plcf->ticket_updates;

    if (list->data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2
        && (ngx_pimap_is(&value[1], "off") || ngx_pimap_is(&value[1], "*")))
    {
        *list = value[1];
        list->len = (value[1].data[0] == '*');
        return NGX_CONF_OK;
    }

    for (len = 0, i = 1; i < cf->args->nelts; i++) {

        if (ngx_pimap_login_updates_check(&value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid update \"%V\", a name has up to %d "
                               "of A-Z a-z 0-9 . _ / -", &value[i],
                               PIMAP_UPDATE_MAX_VERB);
            return NGX_CONF_ERROR;
        }

        len += value[i].len + 1;
    }

    /* no space follows the last name */

    if (len - 1 > PIMAP_UPDATE_MAX_VERBS) {
        return "has too many updates, it may have 1024 bytes";
    }

    list->data = ngx_pnalloc(cf->pool, len);
    if (list->data == NULL) {
        return NGX_CONF_ERROR;
    }

    for (p = list->data, i = 1; i < cf->args->nelts; i++) {
        p = ngx_pimap_login_updates_join(list->data, p,
                                         (char *) value[i].data,
                                         value[i].len);
    }

    list->len = p - list->data;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_pimap_login_updates_check(ngx_str_t *name)
{
    return name->len && name->len <= PIMAP_UPDATE_MAX_VERB
           && strspn((char *) name->data, PIMAP_UPDATE_VERB) == name->len
           ? NGX_OK : NGX_ERROR;
}


/* The claim's commas and spaces are all spaces in the list. */

ngx_int_t
ngx_pimap_login_updates_claim(ngx_pool_t *pool, json_t *claim,
    ngx_str_t *updates)
{
    size_t   i, n, len;
    u_char  *p;
    json_t  *item;

    n = json_is_array(claim) ? json_array_size(claim) : 1;

    for (len = 0, i = 0; i < n; i++) {

        item = json_is_array(claim) ? json_array_get(claim, i) : claim;

        if (!json_is_string(item)) {
            return NGX_DECLINED;
        }

        len += json_string_length(item) + 1;
    }

    /* no space follows the last name; an empty array has no name */

    if (len > PIMAP_UPDATE_MAX_VERBS + 1) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (updates->data = p, i = 0; i < n; i++) {

        item = json_is_array(claim) ? json_array_get(claim, i) : claim;

        p = ngx_pimap_login_updates_join(updates->data, p,
                                         json_string_value(item),
                                         json_string_length(item));
    }

    updates->len = p - updates->data;

    for (p = updates->data; p < updates->data + updates->len; p++) {
        if (*p == ',') {
            *p = ' ';
        }
    }

    return NGX_OK;
}


static u_char *
ngx_pimap_login_updates_join(u_char *first, u_char *p, const char *text,
    size_t len)
{
    if (p != first) {
        *p++ = ' ';
    }

    return ngx_cpymem(p, text, len);
}


ngx_int_t
ngx_pimap_login_updates_both(ngx_pool_t *pool, ngx_str_t *one,
    ngx_str_t *two, ngx_str_t *both)
{
    u_char          *p, *last, *to;
    pimap_update_t   u;

    if (ngx_pimap_is(one, "*")) {
        *both = *two;
        return NGX_OK;
    }

    to = ngx_pnalloc(pool, one->len + 1);
    if (to == NULL) {
        return NGX_ERROR;
    }

    both->data = to;
    last = one->data + one->len;

    for (p = one->data; p < last; p += u.verb.len + 1) {

        u.verb.data = (char *) p;
        for (u.verb.len = 0; p + u.verb.len < last && p[u.verb.len] != ' ';
             u.verb.len++)
        {
            /* void */
        }

        if (u.verb.len
            && pimap_update_allowed(&u, (char *) two->data, two->len))
        {
            to = ngx_pimap_login_updates_join(both->data, to, u.verb.data,
                                              u.verb.len);
        }
    }

    both->len = to - both->data;

    return NGX_OK;
}
