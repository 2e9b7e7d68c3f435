
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names of variables have small letters, and no braces that are not needed.
 */


#include "ngx_pimap_conf_name.h"


static ngx_int_t ngx_pimap_conf_name_text(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *text);
static ngx_uint_t ngx_pimap_conf_name_part(u_char c);


char *
ngx_pimap_conf_name(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    size_t                             i;
    ngx_str_t                         *value;
    ngx_pimap_name_conf_t             *name;
    ngx_http_compile_complex_value_t   ccv;

    name = (ngx_pimap_name_conf_t *) (p + cmd->offset);

    if (name->value) {
        return "is duplicate";
    }

    value = cf->args->elts;

    name->value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (name->value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = name->value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_pimap_conf_name_text(cf, &value[1], &name->text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* nginx leaves $arg_... percent-encoded */

    if (name->text.len > 5 && ngx_strncmp(name->text.data, "$arg_", 5) == 0) {

        for (i = 5; i < name->text.len; i++) {
            if (!ngx_pimap_conf_name_part(name->text.data[i])) {
                break;
            }
        }

        name->decode = (i == name->text.len);
    }

    return NGX_CONF_OK;
}


/* nginx has found the value valid. */

static ngx_int_t
ngx_pimap_conf_name_text(ngx_conf_t *cf, ngx_str_t *value, ngx_str_t *text)
{
    u_char      *p, *from, *last, *name, *end;
    ngx_uint_t   braces;

    text->data = ngx_pnalloc(cf->pool, value->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    from = value->data;
    last = from + value->len;

    for (p = text->data; from < last; /* void */ ) {

        *p++ = *from++;

        /* $1 is a part of a regular expression, and has one digit */

        if (p[-1] != '$' || from == last || (*from >= '1' && *from <= '9')) {
            continue;
        }

        braces = (*from == '{');
        name = from + braces;

        for (end = name; end < last && ngx_pimap_conf_name_part(*end); end++) {
            /* void */
        }

        from = end + braces;
        braces = braces && from < last && ngx_pimap_conf_name_part(*from);

        p = ngx_cpymem(p, "{", braces);
        ngx_strlow(p, name, end - name);
        p += end - name;
        p = ngx_cpymem(p, "}", braces);
    }

    text->len = p - text->data;

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_conf_name_part(u_char c)
{
    return isalnum(c) || c == '_';
}
