
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the settings of logins.  Called by nginx in the configuration phase.
 * Invariant: a location with tokens has a key, or nginx does not start.
 */


#include "ngx_pimap_login.h"


static ngx_int_t ngx_pimap_login_conf_check(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf);
static ngx_array_t *ngx_pimap_login_conf_keys(ngx_conf_t *cf,
    ngx_array_t **keys);
static char *ngx_pimap_login_conf_claim(ngx_conf_t *cf, void *post,
    void *data);


ngx_conf_bitmask_t  ngx_pimap_login_conf_methods[] = {
    { ngx_string("nginx"), NGX_PIMAP_LOGIN_NGINX },
    { ngx_string("token"), NGX_PIMAP_LOGIN_TOKEN },
    { ngx_string("ticket"), NGX_PIMAP_LOGIN_TICKET },
    { ngx_null_string, 0 }
};

ngx_pimap_conf_range_t  ngx_pimap_login_conf_leeway_post = {
    ngx_pimap_conf_range, 0, 0, 3600, "must be 1h at most"
};

ngx_conf_post_t  ngx_pimap_login_conf_claim_post = {
    ngx_pimap_login_conf_claim
};

ngx_pimap_conf_range_t  ngx_pimap_login_conf_ticket_post = {
    ngx_pimap_conf_range, 0, 1, 86400, "must be between 1s and 1d"
};


ngx_int_t
ngx_pimap_login_conf_merge(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    ngx_conf_merge_bitmask_value(conf->login, prev->login,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_PIMAP_LOGIN_NGINX));
    ngx_conf_merge_ptr_value(conf->token_keys, prev->token_keys, NULL);
    ngx_conf_merge_str_value(conf->token_issuer, prev->token_issuer, "");
    ngx_conf_merge_str_value(conf->token_audience, prev->token_audience, "");
    ngx_conf_merge_str_value(conf->token_claim, prev->token_claim, "sub");
    ngx_conf_merge_str_value(conf->token_device_claim,
                             prev->token_device_claim, "");
    ngx_conf_merge_str_value(conf->token_types_claim,
                             prev->token_types_claim, "");
    ngx_conf_merge_ptr_value(conf->ticket_keys, prev->ticket_keys, NULL);

    switch (conf->endpoint) {

    case NGX_PIMAP_EVENTS:
    case NGX_PIMAP_UPDATE:
    case NGX_PIMAP_TICKET:
        return ngx_pimap_login_conf_check(cf, conf);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_pimap_login_conf_check(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_pimap_main_conf_t  *pmcf;

    if ((conf->login & NGX_PIMAP_LOGIN_TOKEN) && conf->token_keys == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"pimap_login token\" needs \"pimap_token_key\"");
        return NGX_ERROR;
    }

    if (conf->endpoint != NGX_PIMAP_EVENTS) {

        /* inherited together with other logins, it is ignored */

        conf->login &= ~NGX_PIMAP_LOGIN_TICKET;

        if (!(conf->login & (NGX_PIMAP_LOGIN_NGINX|NGX_PIMAP_LOGIN_TOKEN))) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"pimap_login ticket\" alone works only "
                               "in locations with \"pimap_events\"");
            return NGX_ERROR;
        }
    }

    if (conf->login & (NGX_PIMAP_LOGIN_TOKEN|NGX_PIMAP_LOGIN_TICKET)) {
        pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
        pmcf->tokens = 1;
    }

    return NGX_OK;
}


char *
ngx_pimap_login_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    ngx_str_t    *value, id;
    ngx_array_t  *keys;

    value = cf->args->elts;
    ngx_str_null(&id);

    if (cf->args->nelts == 3) {

        if (value[2].len < 5 || ngx_strncmp(value[2].data, "kid=", 4) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        id.data = value[2].data + 4;
        id.len = value[2].len - 4;
    }

    keys = ngx_pimap_login_conf_keys(cf, &plcf->token_keys);
    if (keys == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_pimap_key_file_read(cf, &value[1], &id, keys);
}


/* The first key signs; the others verify older tickets. */

char *
ngx_pimap_login_conf_ticket_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    ngx_str_t    *value;
    ngx_array_t  *keys;

    value = cf->args->elts;

    keys = ngx_pimap_login_conf_keys(cf, &plcf->ticket_keys);
    if (keys == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_pimap_key_file_read_secret(cf, &value[1], keys);
}


static ngx_array_t *
ngx_pimap_login_conf_keys(ngx_conf_t *cf, ngx_array_t **keys)
{
    if (*keys == NGX_CONF_UNSET_PTR) {
        *keys = ngx_array_create(cf->pool, 4, sizeof(ngx_pimap_key_t));
    }

    return *keys;
}


static char *
ngx_pimap_login_conf_claim(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t  *value = data;

    if (value->len == 0) {
        return "must not be empty";
    }

    return NGX_CONF_OK;
}
