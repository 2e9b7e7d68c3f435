
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A rule is 8 bytes: a hash, because it goes along with each device.
 */


#include "ngx_pimap_conf_rules.h"

#include <ngx_md5.h>


static ngx_uint_t ngx_pimap_conf_rules_hold(ngx_str_t *old, ngx_str_t *now);


ngx_int_t
ngx_pimap_conf_rules_add(ngx_conf_t *cf, ngx_str_t *rules, const char *name,
    ngx_str_t *value)
{
    u_char     *p, digest[16];
    ngx_md5_t   md5;

    p = ngx_pnalloc(cf->pool, rules->len + NGX_PIMAP_CONF_RULE);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, name, ngx_strlen(name) + 1);
    ngx_md5_update(&md5, value->data, value->len);
    ngx_md5_final(digest, &md5);

    if (rules->len) {
        ngx_memcpy(p, rules->data, rules->len);
    }

    ngx_memcpy(p + rules->len, digest, NGX_PIMAP_CONF_RULE);

    rules->data = p;
    rules->len += NGX_PIMAP_CONF_RULE;

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_conf_rules_admit(ngx_pimap_loc_conf_t *conf, ngx_str_t *rules,
    ngx_str_t *origin_rules)
{
    return ngx_pimap_conf_rules_hold(rules, &conf->rules)
           && (conf->any_origin
               || ngx_pimap_conf_rules_hold(origin_rules,
                                            &conf->origin_rules));
}


/* True if each rule of "old" is among those of "now". */

static ngx_uint_t
ngx_pimap_conf_rules_hold(ngx_str_t *old, ngx_str_t *now)
{
    size_t  i, k;

    for (i = 0; i + NGX_PIMAP_CONF_RULE <= old->len;
         i += NGX_PIMAP_CONF_RULE)
    {
        for (k = 0; k < now->len; k += NGX_PIMAP_CONF_RULE) {
            if (ngx_memcmp(old->data + i, now->data + k, NGX_PIMAP_CONF_RULE)
                == 0)
            {
                break;
            }
        }

        if (k >= now->len) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_pimap_conf_rules_plain(ngx_pimap_loc_conf_t *conf)
{
    ngx_http_complex_value_t  *value;

    value = conf->compress.value;

    /* the value of a variable is known with a request only */

    return value && value->lengths == NULL
           && ngx_pimap_is(&value->value, "off");
}
