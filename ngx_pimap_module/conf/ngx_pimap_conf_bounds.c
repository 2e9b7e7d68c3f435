
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What the values of directives may be.
 */


#include "ngx_pimap_conf.h"


static char *ngx_pimap_conf_wait(ngx_conf_t *cf, void *post, void *data);
static char *ngx_pimap_conf_linger(ngx_conf_t *cf, void *post, void *data);
static char *ngx_pimap_conf_pause(ngx_conf_t *cf, void *post, void *data);
static char *ngx_pimap_conf_window(ngx_conf_t *cf, void *post, void *data);
static char *ngx_pimap_conf_age(ngx_conf_t *cf, void *post, void *data);
static char *ngx_pimap_conf_size(ngx_conf_t *cf, void *post, void *data);
static char *ngx_pimap_conf_padding(ngx_conf_t *cf, void *post, void *data);


ngx_conf_num_bounds_t  ngx_pimap_conf_length_bounds = {
    ngx_conf_check_num_bounds, 1, NGX_PIMAP_DEVICE_MAX
};

ngx_conf_num_bounds_t  ngx_pimap_conf_log_bounds = {
    ngx_conf_check_num_bounds, 1, 1000000
};

ngx_conf_num_bounds_t  ngx_pimap_conf_updates_bounds = {
    ngx_conf_check_num_bounds, 1, NGX_PIMAP_UPDATES_MAX
};

/* a device counts them in a byte */

ngx_conf_num_bounds_t  ngx_pimap_conf_rate_bounds = {
    ngx_conf_check_num_bounds, 0, 255
};

ngx_conf_num_bounds_t  ngx_pimap_conf_backlog_bounds = {
    ngx_conf_check_num_bounds, 1, 1000000000
};

ngx_conf_post_t  ngx_pimap_conf_wait_post = { ngx_pimap_conf_wait };
ngx_conf_post_t  ngx_pimap_conf_linger_post = { ngx_pimap_conf_linger };
ngx_conf_post_t  ngx_pimap_conf_pause_post = { ngx_pimap_conf_pause };
ngx_conf_post_t  ngx_pimap_conf_window_post = { ngx_pimap_conf_window };
ngx_conf_post_t  ngx_pimap_conf_age_post = { ngx_pimap_conf_age };
ngx_conf_post_t  ngx_pimap_conf_size_post = { ngx_pimap_conf_size };
ngx_conf_post_t  ngx_pimap_conf_padding_post = { ngx_pimap_conf_padding };


static char *
ngx_pimap_conf_wait(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *value = data;

    if (*value < 100) {
        return "must be at least 100ms";
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_linger(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *value = data;

    if (*value > 10000) {
        return "must be at most 10s";
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_pause(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *value = data;

    if (*value && *value < 1000) {
        return "must be 0 or at least 1s";
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_window(ngx_conf_t *cf, void *post, void *data)
{
    ngx_msec_t  *value = data;

    if (*value && (*value < 100 || *value > 10000)) {
        return "must be 0 or between 100ms and 10s";
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_age(ngx_conf_t *cf, void *post, void *data)
{
    time_t  *value = data;

    if (*value < 1 || *value > 366 * 86400) {
        return "must be between 1s and 366d";
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_size(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *value = data;

    if (*value == 0) {
        return "must not be 0";
    }

    return NGX_CONF_OK;
}


/* A quarter of a TLS record at most: beyond that it would be cut anyway. */

static char *
ngx_pimap_conf_padding(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *value = data;

    if (*value && (*value < 16 || *value > 4096)) {
        return "must be 0 or between 16 and 4096";
    }

    return NGX_CONF_OK;
}


/* A value with variables is known with the request only. */

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
