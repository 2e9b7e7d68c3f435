
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the list of the settings by which a location lets devices in.  Called
 * in the configuration phase.  Invariant: a setting that can turn a request to
 * park away, or give it another account, is a rule.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_conf_rules.h"


static ngx_int_t ngx_pimap_login_rules_token(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf);
static ngx_int_t ngx_pimap_login_rules_keys(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, const char *name, ngx_array_t *keys);
static ngx_int_t ngx_pimap_login_rules_origins(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf);
static ngx_int_t ngx_pimap_login_rules_names(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf);
static ngx_str_t *ngx_pimap_login_rules_name(ngx_pimap_name_conf_t *name,
    ngx_str_t *value);


static ngx_str_t  ngx_pimap_login_rules_none = ngx_null_string;


ngx_int_t
ngx_pimap_login_rules(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    ngx_uint_t  i;

    static const ngx_uint_t  methods[] = {
        NGX_PIMAP_LOGIN_NGINX, NGX_PIMAP_LOGIN_TOKEN, NGX_PIMAP_LOGIN_TICKET
    };

    static const char  *names[] = { "nginx", "token", "ticket" };

    if (!conf->location) {
        conf->rules = prev->rules;
        conf->origin_rules = prev->origin_rules;
        return NGX_OK;
    }

    if (conf->endpoint != NGX_PIMAP_EVENTS) {
        return NGX_OK;
    }

    for (i = 0; i < 3; i++) {
        if ((conf->login & methods[i])
            && ngx_pimap_conf_rules_add(cf, &conf->rules, names[i],
                                        &ngx_pimap_login_rules_none)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_pimap_login_rules_names(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    if ((conf->login & NGX_PIMAP_LOGIN_TOKEN)
        && ngx_pimap_login_rules_token(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((conf->login & NGX_PIMAP_LOGIN_TICKET)
        && ngx_pimap_login_rules_keys(cf, conf, "ticket key",
                                      conf->ticket_keys)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_login_rules_origins(cf, conf);
}


static ngx_int_t
ngx_pimap_login_rules_names(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_str_t  *account, *device;

    static ngx_str_t  user = ngx_string("$remote_user");
    static ngx_str_t  keep = ngx_string("keep");
    static ngx_str_t  argument = ngx_string("$arg_device");

    account = ngx_pimap_login_rules_name(&conf->account, &user);
    device = ngx_pimap_login_rules_name(&conf->device, &argument);

    if (ngx_pimap_conf_rules_add(cf, &conf->rules, "account", account)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_pimap_conf_rules_add(cf, &conf->rules, "account case",
                                 conf->account_keep
                                 ? &keep : &ngx_pimap_login_rules_none)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_conf_rules_add(cf, &conf->rules, "device", device);
}


/* "value" is the default, which is one rule, written out or not. */

static ngx_str_t *
ngx_pimap_login_rules_name(ngx_pimap_name_conf_t *name, ngx_str_t *value)
{
    return name->value && !ngx_pimap_equal(&name->text, value)
           ? &name->text : &ngx_pimap_login_rules_none;
}


static ngx_int_t
ngx_pimap_login_rules_token(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_uint_t  i;

    struct {
        const char  *name;
        ngx_str_t   *value;
    } settings[] = {
        { "issuer", &conf->token_issuer },
        { "audience", &conf->token_audience },
        { "claim", &conf->token_claim },
        { "device claim", &conf->token_device_claim },
        { "types claim", &conf->token_types_claim },
        { "updates claim", &conf->token_updates_claim }
    };

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (ngx_pimap_conf_rules_add(cf, &conf->rules, settings[i].name,
                                     settings[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_pimap_login_rules_keys(cf, conf, "token key",
                                      conf->token_keys);
}


/* NULL: the key of the shared zone. */

static ngx_int_t
ngx_pimap_login_rules_keys(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    const char *name, ngx_array_t *keys)
{
    ngx_uint_t        i;
    ngx_pimap_key_t  *key;

    if (keys == NULL) {
        return ngx_pimap_conf_rules_add(cf, &conf->rules, name,
                                        &ngx_pimap_login_rules_none);
    }

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {
        if (ngx_pimap_conf_rules_add(cf, &conf->rules, name, &key[i].text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Of devices that may send. */

static ngx_int_t
ngx_pimap_login_rules_origins(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_str_t   origin, *value;
    ngx_uint_t  i;

    if (conf->origins == NULL) {
        return ngx_pimap_conf_rules_add(cf, &conf->origin_rules, "same origin",
                                        &ngx_pimap_login_rules_none);
    }

    value = conf->origins->elts;

    for (i = 0; i < conf->origins->nelts; i++) {

        if (ngx_pimap_copy(cf->pool, &origin, value[i].data, value[i].len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_strlow(origin.data, origin.data, origin.len);

        if (ngx_pimap_conf_rules_add(cf, &conf->origin_rules, "origin",
                                     &origin)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ngx_pimap_is(&origin, "*")) {
            conf->any_origin = 1;
        }
    }

    return NGX_OK;
}
