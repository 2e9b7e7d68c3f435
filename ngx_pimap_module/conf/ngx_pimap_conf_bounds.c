
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bounds of the values of directives.  Called by nginx for the table
 * of directives.
 */


#include "ngx_pimap_conf.h"


#define NGX_PIMAP_CONF_MAX  ((ngx_uint_t) -1)


ngx_pimap_conf_range_t  ngx_pimap_conf_length_bounds = {
    ngx_pimap_conf_range, 0, 1, NGX_PIMAP_DEVICE_MAX,
    "must be between 1 and 1024"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_log_bounds = {
    ngx_pimap_conf_range, 0, 1, 1000000,
    "must be between 1 and 1000000"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_updates_bounds = {
    ngx_pimap_conf_range, 0, 1, NGX_PIMAP_UPDATES_MAX,
    "must be between 1 and 1000"
};

/* a device counts them in a byte */

ngx_pimap_conf_range_t  ngx_pimap_conf_rate_bounds = {
    ngx_pimap_conf_range, 0, 0, 255,
    "must be 255 or less"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_backlog_bounds = {
    ngx_pimap_conf_range, 0, 1, 1000000000,
    "must be between 1 and 1000000000"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_zone_post = {
    ngx_pimap_conf_range, 0, NGX_PIMAP_ZONE_MIN_SIZE, NGX_PIMAP_CONF_MAX,
    "must be at least 256k"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_wait_post = {
    ngx_pimap_conf_range, 0, 100, NGX_PIMAP_CONF_MAX,
    "must be at least 100ms"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_linger_post = {
    ngx_pimap_conf_range, 0, 0, 10000,
    "must be at most 10s"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_pause_post = {
    ngx_pimap_conf_range, 1, 1000, NGX_PIMAP_CONF_MAX,
    "must be 0 or at least 1s"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_window_post = {
    ngx_pimap_conf_range, 1, 100, 10000,
    "must be 0 or between 100ms and 10s"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_age_post = {
    ngx_pimap_conf_range, 0, 1, 366 * 86400,
    "must be between 1s and 366d"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_size_post = {
    ngx_pimap_conf_range, 0, 1, NGX_PIMAP_CONF_MAX,
    "must be 1 or more"
};

ngx_pimap_conf_range_t  ngx_pimap_conf_account_bytes_post = {
    ngx_pimap_conf_range, 0, 1024, 1024 * 1024 * 1024,
    "must be between 1k and 1g"
};

/* at most a quarter of a TLS record, which would be split otherwise */

ngx_pimap_conf_range_t  ngx_pimap_conf_padding_post = {
    ngx_pimap_conf_range, 1, 16, 4096,
    "must be 0 or between 16 and 4096"
};


char *
ngx_pimap_conf_range(ngx_conf_t *cf, void *post, void *data)
{
    ngx_pimap_conf_range_t  *range = post;

    ngx_uint_t  *value = data;

    if (*value == 0 && range->zero) {
        return NGX_CONF_OK;
    }

    return *value < range->min || *value > range->max ? range->error
                                                      : NGX_CONF_OK;
}


/* The value of a variable is known with the request only. */

char *
ngx_pimap_conf_switch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char       *rv;
    ngx_str_t  *value;

    rv = ngx_pimap_conf_name(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    value = cf->args->elts;

    if (ngx_http_script_variables_count(&value[1]) == 0
        && ngx_strcmp(value[1].data, "on") != 0
        && ngx_strcmp(value[1].data, "off") != 0)
    {
        return "must be \"on\", \"off\", or a variable";
    }

    return NGX_CONF_OK;
}
