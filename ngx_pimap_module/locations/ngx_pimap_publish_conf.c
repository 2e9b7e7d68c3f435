
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the parameters of "pimap_publish".  Called in the configuration phase.
 * Invariant: a key is a secret of 32 bytes at least.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_token.h"


static char *ngx_pimap_publish_conf_key(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *plcf, ngx_str_t *value);


char *
ngx_pimap_publish_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t             *value;
    ngx_uint_t             i;
    ngx_pimap_loc_conf_t  *plcf = conf;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_pimap_is(&value[i], "batch")) {
            plcf->batch = 1;
            continue;
        }

        if (ngx_strncmp(value[i].data, "signature_key=", 14) == 0) {

            if (ngx_pimap_publish_conf_key(cf, plcf, &value[i])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter "
                           "\"%V\" in \"pimap_publish\", must be \"batch\" "
                           "or \"signature_key=\" and a file", &value[i]);
        return NGX_CONF_ERROR;
    }

    return ngx_pimap_conf_endpoint(cf, cmd, conf);
}


/* An editor ends a file with a line end, which the other side has not. */

static char *
ngx_pimap_publish_conf_key(ngx_conf_t *cf, ngx_pimap_loc_conf_t *plcf,
    ngx_str_t *value)
{
    ngx_str_t         file;
    ngx_pimap_key_t  *key;

    file.data = value->data + sizeof("signature_key=") - 1;
    file.len = value->len - (sizeof("signature_key=") - 1);

    if (plcf->signature_keys == NULL) {
        plcf->signature_keys = ngx_array_create(cf->pool, 1,
                                                sizeof(ngx_pimap_key_t));
        if (plcf->signature_keys == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_pimap_key_file_read_secret(cf, &file, plcf->signature_keys)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    key = plcf->signature_keys->elts;
    key += plcf->signature_keys->nelts - 1;

    if (key->text.data[key->text.len - 1] == LF) {
        key->text.len--;
    }

    if (key->text.data[key->text.len - 1] == CR) {
        key->text.len--;
    }

    return NGX_CONF_OK;
}
