
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Defaults, inheritance, and checks of combinations.
 */


#include "ngx_pimap_conf.h"
#include "ngx_pimap_conf_location.h"


/*
 * A number and its default.  All types of numbers have the width of a word,
 * and the same value is unset.  "type" is nginx's name, for readers.
 */

typedef struct {
    size_t       offset;
    ngx_uint_t   value;
} ngx_pimap_conf_value_t;

#define ngx_pimap_conf_main_value(member, type, value)                       \
    { offsetof(ngx_pimap_main_conf_t, member), value }

#define ngx_pimap_conf_loc_value(member, type, value)                        \
    { offsetof(ngx_pimap_loc_conf_t, member), value }

#define ngx_pimap_conf_merge_name(conf, prev)                                \
    if (conf.value == NULL) {                                                \
        conf = prev;                                                         \
    }


static const ngx_pimap_conf_value_t  ngx_pimap_conf_main_values[] = {
    ngx_pimap_conf_main_value(zone_size, size, 5 * 1024 * 1024),
    ngx_pimap_conf_main_value(max_devices, uint, 0),
    ngx_pimap_conf_main_value(max_event, size, 64 * 1024),
    ngx_pimap_conf_main_value(compress_memory, size, 32),
    ngx_pimap_conf_main_value(drain, msec, 30000),
    ngx_pimap_conf_main_value(log_length, uint, NGX_PIMAP_LOG_LENGTH),
    ngx_pimap_conf_main_value(log_ttl, sec, NGX_PIMAP_LOG_TTL),
    ngx_pimap_conf_main_value(gap_check, msec, 60000),
    ngx_pimap_conf_main_value(presence, flag, 0),
    ngx_pimap_conf_main_value(coalesce, msec, 0),
    ngx_pimap_conf_main_value(max_queued_updates, uint, 100000),
    ngx_pimap_conf_main_value(max_updates_per_account, uint, 10000),
    ngx_pimap_conf_main_value(max_update_bytes, size, 16 * 1024 * 1024),
    { 0, 0 }
};


static const ngx_pimap_conf_value_t  ngx_pimap_conf_loc_values[] = {
    ngx_pimap_conf_loc_value(account_keep, uint, 0),
    ngx_pimap_conf_loc_value(max_account_length, uint, 255),
    ngx_pimap_conf_loc_value(max_device_length, uint, 128),
    ngx_pimap_conf_loc_value(retry, msec, 3000),
    ngx_pimap_conf_loc_value(poll_wait, msec, 60000),
    ngx_pimap_conf_loc_value(poll_wait_max, msec, 300000),
    ngx_pimap_conf_loc_value(poll_linger, msec, 50),
    ngx_pimap_conf_loc_value(max_devices_per_account, uint, 100),
    ngx_pimap_conf_loc_value(max_devices_per_ip, uint, 0),
    ngx_pimap_conf_loc_value(max_body, size, 256 * 1024),
    ngx_pimap_conf_loc_value(updates, flag, 1),
    ngx_pimap_conf_loc_value(max_update, size, 64 * 1024),
    ngx_pimap_conf_loc_value(max_updates, uint, 100),
    ngx_pimap_conf_loc_value(update_rate, uint, 32),
    ngx_pimap_conf_loc_value(update_wait, sec, 30),
    ngx_pimap_conf_loc_value(buffer, size, 64 * 1024),
    ngx_pimap_conf_loc_value(send_timeout, msec, 30000),
    ngx_pimap_conf_loc_value(end_log_level, level, NGX_LOG_INFO),
    ngx_pimap_conf_loc_value(compress_dictionary, flag, 1),
    ngx_pimap_conf_loc_value(detach, flag, 1),
    ngx_pimap_conf_loc_value(hibernate, flag, 0),
    ngx_pimap_conf_loc_value(tls_padding, size, 0),
    ngx_pimap_conf_loc_value(token_leeway, sec, 30),
    ngx_pimap_conf_loc_value(ticket_time, sec, 60),
    { 0, 0 }
};


static void ngx_pimap_conf_unset(void *conf,
    const ngx_pimap_conf_value_t *value);
static void ngx_pimap_conf_default(void *conf, void *prev,
    const ngx_pimap_conf_value_t *value);
static char *ngx_pimap_conf_seconds(ngx_conf_t *cf, ngx_str_t *value,
    size_t skip, ngx_int_t *seconds);
static char *ngx_pimap_conf_body(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_http_core_loc_conf_t *clcf);
static ngx_http_core_loc_conf_t *ngx_pimap_conf_nameless(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);
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

    if (ngx_array_init(&pmcf->events, cf->pool, 4,
                       sizeof(ngx_pimap_loc_conf_t *))
        != NGX_OK
        || ngx_array_init(&pmcf->tickets, cf->pool, 1,
                          sizeof(ngx_pimap_loc_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    ngx_pimap_conf_unset(pmcf, ngx_pimap_conf_main_values);

    return pmcf;
}


char *
ngx_pimap_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_pimap_main_conf_t  *pmcf = conf;

    ngx_pimap_conf_default(pmcf, pmcf, ngx_pimap_conf_main_values);

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
     *     plcf->account = { NULL, { 0, NULL }, 0 };
     *     plcf->device = { NULL, { 0, NULL }, 0 };
     *     plcf->endpoint = NGX_PIMAP_NO_ENDPOINT;
     *     plcf->batch = 0;
     *     plcf->signature_keys = NULL;
     *     plcf->login = 0;
     *     plcf->token_... = { 0, NULL };
     *     plcf->ticket_updates = { 0, NULL };
     *     plcf->path, key, old_key = { 0, NULL };
     */

    ngx_pimap_conf_location_begin(cf, plcf);

    plcf->ping = NGX_CONF_UNSET;
    plcf->origins = NGX_CONF_UNSET_PTR;
    plcf->token_keys = NGX_CONF_UNSET_PTR;
    plcf->ticket_keys = NGX_CONF_UNSET_PTR;
    ngx_pimap_conf_unset(plcf, ngx_pimap_conf_loc_values);

    return plcf;
}


char *
ngx_pimap_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_pimap_loc_conf_t  *prev = parent;
    ngx_pimap_loc_conf_t  *conf = child;

    ngx_pimap_main_conf_t     *pmcf;
    ngx_http_core_loc_conf_t  *clcf;

    ngx_pimap_conf_merge_name(conf->account, prev->account);
    ngx_pimap_conf_merge_name(conf->device, prev->device);
    ngx_pimap_conf_merge_name(conf->compress, prev->compress);
    ngx_pimap_merge_ping(conf, prev);

    ngx_pimap_conf_default(conf, prev, ngx_pimap_conf_loc_values);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);

    clcf = ngx_pimap_conf_nameless(cf, conf, prev);
    conf->log = clcf->error_log;

    if (conf->endpoint == NGX_PIMAP_EVENTS && conf->hibernate) {

        if (!conf->detach) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"pimap_hibernate\" needs \"pimap_detach\" in the "
                          "location in %V:%ui, set \"pimap_detach on\"",
                          &conf->file, conf->line);
            return NGX_CONF_ERROR;
        }

        pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
        pmcf->hibernate = 1;
    }

    if (ngx_pimap_conf_location_merge(cf, conf, prev) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->location && conf->endpoint && clcf->handler != conf->handler) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0, "the pimap directive of the "
                      "location in %V:%ui has no effect: one after it, such "
                      "as \"proxy_pass\", takes its place",
                      &conf->file, conf->line);
    }

    return ngx_pimap_conf_body(cf, conf, clcf);
}


static char *
ngx_pimap_conf_body(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_http_core_loc_conf_t *clcf)
{
    if (conf->batch && conf->account.value) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"pimap_publish batch\" in the location in %V:%ui is "
                      "for all accounts, but \"pimap_account\" names one, "
                      "leave out one of them", &conf->file, conf->line);
        return NGX_CONF_ERROR;
    }

    if (conf->endpoint == NGX_PIMAP_PUBLISH
        || conf->endpoint == NGX_PIMAP_UPDATE)
    {
        /* the body has to fit, because a worker does no file I/O */

        clcf->client_body_buffer_size =
                            ngx_max(clcf->client_body_buffer_size,
                                    conf->max_body + 1);
    }

    return NGX_CONF_OK;
}


static void
ngx_pimap_conf_unset(void *conf, const ngx_pimap_conf_value_t *value)
{
    for ( /* void */ ; value->offset; value++) {
        *(ngx_uint_t *) ((u_char *) conf + value->offset)
            = NGX_CONF_UNSET_UINT;
    }
}


static void
ngx_pimap_conf_default(void *conf, void *prev,
    const ngx_pimap_conf_value_t *value)
{
    ngx_uint_t  *to, from;

    for ( /* void */ ; value->offset; value++) {

        to = (ngx_uint_t *) ((u_char *) conf + value->offset);
        from = *(ngx_uint_t *) ((u_char *) prev + value->offset);

        if (*to == NGX_CONF_UNSET_UINT) {
            *to = from == NGX_CONF_UNSET_UINT ? value->value : from;
        }
    }
}


/*
 * nginx makes a location without a name of each "if" and "limit_except".  It
 * is a part of the location that it stands in: none of our directives is
 * allowed in it.  A request gets the handler of the location before an "if",
 * but after a "limit_except".
 */

static ngx_http_core_loc_conf_t *
ngx_pimap_conf_nameless(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {
        conf->endpoint = prev->endpoint;
        conf->handler = prev->handler;
        conf->batch = prev->batch;
        conf->signature_keys = prev->signature_keys;

        if (clcf->lmt_excpt && clcf->handler == NULL) {
            clcf->handler = conf->handler;
        }
    }

    return clcf;
}


/* They wait to be told to come back, and have no rights. */

ngx_int_t
ngx_pimap_conf_homeless(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf)
{
    ngx_uint_t              i;
    ngx_pimap_loc_conf_t   *conf, **events;

    conf = ngx_pimap_create_loc_conf(cf);
    if (conf == NULL) {
        return NGX_ERROR;
    }

    conf->updates = 0;

    ngx_pimap_merge_ping(conf, conf);
    ngx_pimap_conf_default(conf, conf, ngx_pimap_conf_loc_values);

    /* which of them had asked for padding is not known */

    events = pmcf->events.elts;

    for (i = 0; i < pmcf->events.nelts; i++) {
        conf->tls_padding = ngx_max(conf->tls_padding,
                                    events[i]->tls_padding);
    }

    conf->log = &cf->cycle->new_log;
    pmcf->homeless = conf;

    return NGX_OK;
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
                               "invalid parameter \"%V\" in \"pimap_ping\", "
                               "must be \"min=\" or \"max=\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (plcf->ping_min < 1 || plcf->ping_max > NGX_PIMAP_PING_MAX
        || plcf->ping_min > plcf->ping_max)
    {
        return "must have bounds between 1s and 1023s, \"min=\" not over "
               "\"max=\"";
    }

    if (plcf->ping && (plcf->ping < plcf->ping_min
                       || plcf->ping > plcf->ping_max))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"pimap_ping\" is \"%V\", but must be 0 or "
                           "between \"min=%is\" and \"max=%is\"", &value[1],
                           plcf->ping_min, plcf->ping_max);
        return NGX_CONF_ERROR;
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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid time \"%V\" in "
                           "\"pimap_ping\", must be seconds, such as 90s, or "
                           "minutes, such as 5m", &s);
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
    plcf->handler = endpoint->handler;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "\"%V\" takes the place of a "
                           "directive before it, such as \"proxy_pass\"; a "
                           "location answers by one of them", &cmd->name);
    }

    clcf->handler = endpoint->handler;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
    pmcf->used = 1;

    return NGX_CONF_OK;
}


ssize_t
ngx_pimap_conf_file(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *text,
    size_t size)
{
    size_t    len;
    ssize_t   n;
    ngx_fd_t  fd;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    text->data = ngx_pnalloc(cf->pool, size);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", file);
        return NGX_ERROR;
    }

    for (n = 0, len = 0; len < size; len += n) {
        n = ngx_read_fd(fd, text->data + len, size - len);

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" failed", file);
            break;
        }

        if (n == 0) {
            break;
        }
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    text->len = len;

    return n == NGX_ERROR ? NGX_ERROR : (ssize_t) len;
}
