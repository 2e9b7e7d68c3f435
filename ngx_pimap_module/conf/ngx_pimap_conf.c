
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Defaults, inheritance, and checks of combinations.
 */


#include "ngx_pimap_conf.h"


static char *ngx_pimap_conf_seconds(ngx_conf_t *cf, ngx_str_t *value,
    size_t skip, ngx_int_t *seconds);
static ngx_int_t ngx_pimap_conf_key(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf);
static void ngx_pimap_merge_name(ngx_pimap_name_conf_t *conf,
    ngx_pimap_name_conf_t *prev);
static void ngx_pimap_merge_ping(ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev);


void *
ngx_pimap_create_main_conf(ngx_conf_t *cf)
{
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_pcalloc(cf->pool, sizeof(ngx_pimap_main_conf_t));
    if (pmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     pmcf->redis = { 0 };
     *     pmcf->zone = NULL;
     *     pmcf->used = 0;
     *     pmcf->hibernate = 0;
     */

    pmcf->zone_size = NGX_CONF_UNSET_SIZE;
    pmcf->max_devices = NGX_CONF_UNSET_UINT;
    pmcf->max_event = NGX_CONF_UNSET_SIZE;
    pmcf->compress_memory = NGX_CONF_UNSET_SIZE;
    pmcf->drain = NGX_CONF_UNSET_MSEC;
    if (ngx_array_init(&pmcf->events, cf->pool, 4,
                       sizeof(ngx_pimap_loc_conf_t *))
        != NGX_OK)
    {
        return NULL;
    }

    pmcf->log_length = NGX_CONF_UNSET_UINT;
    pmcf->log_ttl = NGX_CONF_UNSET;
    pmcf->gap_check = NGX_CONF_UNSET_MSEC;
    pmcf->presence = NGX_CONF_UNSET;
    pmcf->coalesce = NGX_CONF_UNSET_MSEC;
    pmcf->max_queued_updates = NGX_CONF_UNSET_UINT;

    return pmcf;
}


char *
ngx_pimap_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_pimap_main_conf_t  *pmcf = conf;

    ngx_conf_init_size_value(pmcf->zone_size, 5 * 1024 * 1024);
    ngx_conf_init_uint_value(pmcf->max_devices, 0);
    ngx_conf_init_size_value(pmcf->max_event, 64 * 1024);
    ngx_conf_init_size_value(pmcf->compress_memory, 32);
    ngx_conf_init_msec_value(pmcf->drain, 30000);
    ngx_conf_init_uint_value(pmcf->log_length, 1000);
    ngx_conf_init_value(pmcf->log_ttl, 7 * 86400);
    ngx_conf_init_msec_value(pmcf->gap_check, 60000);
    ngx_conf_init_value(pmcf->presence, 0);
    ngx_conf_init_msec_value(pmcf->coalesce, 0);
    ngx_conf_init_uint_value(pmcf->max_queued_updates, 100000);

    if (pmcf->zone_size < NGX_PIMAP_ZONE_MIN_SIZE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"pimap_zone\" must be at least %dk",
                           NGX_PIMAP_ZONE_MIN_SIZE / 1024);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void *
ngx_pimap_create_loc_conf(ngx_conf_t *cf)
{
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_pcalloc(cf->pool, sizeof(ngx_pimap_loc_conf_t));
    if (plcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     plcf->account = { NULL, 0 };
     *     plcf->device = { NULL, 0 };
     *     plcf->endpoint = NGX_PIMAP_NO_ENDPOINT;
     */

    plcf->max_account_length = NGX_CONF_UNSET_UINT;
    plcf->max_device_length = NGX_CONF_UNSET_UINT;
    plcf->ping = NGX_CONF_UNSET;
    plcf->ping_min = NGX_CONF_UNSET;
    plcf->ping_max = NGX_CONF_UNSET;
    plcf->retry = NGX_CONF_UNSET_MSEC;
    plcf->poll_wait = NGX_CONF_UNSET_MSEC;
    plcf->poll_wait_max = NGX_CONF_UNSET_MSEC;
    plcf->poll_linger = NGX_CONF_UNSET_MSEC;
    plcf->max_devices_per_account = NGX_CONF_UNSET_UINT;
    plcf->max_devices_per_ip = NGX_CONF_UNSET_UINT;
    plcf->max_body = NGX_CONF_UNSET_SIZE;
    plcf->updates = NGX_CONF_UNSET;
    plcf->max_update = NGX_CONF_UNSET_SIZE;
    plcf->max_updates = NGX_CONF_UNSET_UINT;
    plcf->update_rate = NGX_CONF_UNSET_UINT;
    plcf->update_wait = NGX_CONF_UNSET;
    plcf->origins = NGX_CONF_UNSET_PTR;
    plcf->buffer = NGX_CONF_UNSET_SIZE;
    plcf->send_timeout = NGX_CONF_UNSET_MSEC;
    plcf->compress_dictionary = NGX_CONF_UNSET;
    plcf->detach = NGX_CONF_UNSET;
    plcf->hibernate = NGX_CONF_UNSET;
    plcf->tls_padding = NGX_CONF_UNSET_SIZE;

    return plcf;
}


char *
ngx_pimap_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_pimap_loc_conf_t  *prev = parent;
    ngx_pimap_loc_conf_t  *conf = child;

    ngx_pimap_main_conf_t     *pmcf;
    ngx_http_core_loc_conf_t  *clcf;

    ngx_pimap_merge_name(&conf->account, &prev->account);
    ngx_pimap_merge_name(&conf->device, &prev->device);
    ngx_pimap_merge_name(&conf->compress, &prev->compress);
    ngx_pimap_merge_ping(conf, prev);

    ngx_conf_merge_uint_value(conf->max_account_length,
                              prev->max_account_length, 255);
    ngx_conf_merge_uint_value(conf->max_device_length,
                              prev->max_device_length, 128);
    ngx_conf_merge_msec_value(conf->retry, prev->retry, 3000);
    ngx_conf_merge_msec_value(conf->poll_wait, prev->poll_wait, 60000);
    ngx_conf_merge_msec_value(conf->poll_wait_max, prev->poll_wait_max,
                              300000);
    ngx_conf_merge_msec_value(conf->poll_linger, prev->poll_linger, 50);
    ngx_conf_merge_uint_value(conf->max_devices_per_account,
                              prev->max_devices_per_account, 100);
    ngx_conf_merge_uint_value(conf->max_devices_per_ip,
                              prev->max_devices_per_ip, 0);
    ngx_conf_merge_size_value(conf->max_body, prev->max_body, 256 * 1024);
    ngx_conf_merge_value(conf->updates, prev->updates, 1);
    ngx_conf_merge_size_value(conf->max_update, prev->max_update, 64 * 1024);
    ngx_conf_merge_uint_value(conf->max_updates, prev->max_updates, 100);
    ngx_conf_merge_uint_value(conf->update_rate, prev->update_rate, 32);
    ngx_conf_merge_sec_value(conf->update_wait, prev->update_wait, 30);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);
    ngx_conf_merge_size_value(conf->buffer, prev->buffer, 64 * 1024);
    ngx_conf_merge_msec_value(conf->send_timeout, prev->send_timeout, 30000);
    ngx_conf_merge_value(conf->compress_dictionary,
                         prev->compress_dictionary, 1);
    ngx_conf_merge_value(conf->detach, prev->detach, 1);
    ngx_conf_merge_value(conf->hibernate, prev->hibernate, 0);
    ngx_conf_merge_size_value(conf->tls_padding, prev->tls_padding, 0);

    if (conf->endpoint == NGX_PIMAP_EVENTS && conf->hibernate) {

        if (!conf->detach) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"pimap_hibernate\" needs \"pimap_detach\"");
            return NGX_CONF_ERROR;
        }

        pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
        pmcf->hibernate = 1;
    }

    if (conf->endpoint == NGX_PIMAP_EVENTS
        && ngx_pimap_conf_key(cf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->endpoint == NGX_PIMAP_PUBLISH
        || conf->endpoint == NGX_PIMAP_UPDATE)
    {
        /* the body has to fit, because a worker does no file I/O */

        clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

        clcf->client_body_buffer_size =
                            ngx_max(clcf->client_body_buffer_size,
                                    conf->max_body + 1);
    }

    return NGX_CONF_OK;
}


/* Names the server and the location, the same after a change of settings. */

static ngx_int_t
ngx_pimap_conf_key(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_pimap_loc_conf_t      **events;
    ngx_pimap_main_conf_t      *pmcf;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_core_srv_conf_t   *cscf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    conf->key.data = ngx_pnalloc(cf->pool, cscf->server_name.len + 1
                                           + clcf->name.len);
    if (conf->key.data == NULL) {
        return NGX_ERROR;
    }

    conf->key.len = ngx_sprintf(conf->key.data, "%V %V", &cscf->server_name,
                                &clcf->name)
                    - conf->key.data;

    events = ngx_array_push(&pmcf->events);
    if (events == NULL) {
        return NGX_ERROR;
    }

    *events = conf;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_conf_find(ngx_str_t *key, ngx_pimap_loc_conf_t **conf)
{
    ngx_uint_t               i;
    ngx_pimap_loc_conf_t   **events;
    ngx_pimap_main_conf_t   *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);
    events = pmcf->events.elts;

    for (i = 0; i < pmcf->events.nelts; i++) {
        if (events[i]->key.len == key->len
            && ngx_memcmp(events[i]->key.data, key->data, key->len) == 0)
        {
            *conf = events[i];
            return NGX_OK;
        }
    }

    *conf = i ? events[0] : NULL;

    return NGX_DECLINED;
}


static void
ngx_pimap_merge_name(ngx_pimap_name_conf_t *conf, ngx_pimap_name_conf_t *prev)
{
    if (conf->value == NULL) {
        *conf = *prev;
    }
}


/* One directive sets all three. */

static void
ngx_pimap_merge_ping(ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev)
{
    if (conf->ping != NGX_CONF_UNSET) {
        return;
    }

    if (prev->ping != NGX_CONF_UNSET) {
        conf->ping = prev->ping;
        conf->ping_min = prev->ping_min;
        conf->ping_max = prev->ping_max;
        return;
    }

    conf->ping = 300;
    conf->ping_min = 10;
    conf->ping_max = 900;
}


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

    /* nginx leaves $arg_... percent-encoded */

    if (value[1].len > 5 && ngx_strncmp(value[1].data, "$arg_", 5) == 0) {

        for (i = 5; i < value[1].len; i++) {
            if (!isalnum(value[1].data[i]) && value[1].data[i] != '_') {
                break;
            }
        }

        name->decode = (i == value[1].len);
    }

    return NGX_CONF_OK;
}


char *
ngx_pimap_conf_ping(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    char        *rv;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (plcf->ping != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    plcf->ping_min = 10;
    plcf->ping_max = 900;

    rv = ngx_pimap_conf_seconds(cf, &value[1], 0, &plcf->ping);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "min=", 4) == 0) {
            rv = ngx_pimap_conf_seconds(cf, &value[i], 4, &plcf->ping_min);

        } else if (ngx_strncmp(value[i].data, "max=", 4) == 0) {
            rv = ngx_pimap_conf_seconds(cf, &value[i], 4, &plcf->ping_max);

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (plcf->ping_min < 1 || plcf->ping_max > NGX_PIMAP_PING_MAX
        || plcf->ping_min > plcf->ping_max)
    {
        return "must have bounds between 1s and 1023s";
    }

    if (plcf->ping && (plcf->ping < plcf->ping_min
                       || plcf->ping > plcf->ping_max))
    {
        return "must be 0 or between \"min\" and \"max\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_seconds(ngx_conf_t *cf, ngx_str_t *value, size_t skip,
    ngx_int_t *seconds)
{
    ngx_str_t  s;

    s.data = value->data + skip;
    s.len = value->len - skip;

    *seconds = ngx_parse_time(&s, 1);

    if (*seconds == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid time \"%V\"", &s);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_pimap_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    ngx_pimap_main_conf_t      *pmcf;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_pimap_conf_endpoint_t  *endpoint = cmd->post;

    if (plcf->endpoint) {
        return "is duplicate or stands with another pimap location";
    }

    plcf->endpoint = endpoint->endpoint;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = endpoint->handler;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
    pmcf->used = 1;

    return NGX_CONF_OK;
}
