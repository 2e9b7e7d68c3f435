
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The checks of a DAV server's settings, and the values that follow from them.
 */


#include "bridge_config.h"
#include "dav_url.h"

#include <stdlib.h>


int
bridge_config_dav_check(bridge_config_dav_t *conf, config_setting_t *group,
    const char *file)
{
    dav_server_t     *s = &conf->server;
    dav_http_conf_t  *h = &conf->http_conf;

    if (conf->url == NULL
        || dav_url_split(conf->url, &conf->origin, &conf->start) == -1)
    {
        bridge_option_error(group, file, "\"url\" is missing, or is no "
                            "address with http:// or https://");
        return -1;
    }

    if (!conf->master_user != !conf->master_password) {
        bridge_option_error(group, file, "\"master_user\" and "
                            "\"master_password\" need each other");
        return -1;
    }

    h->base = bridge_base;
    h->verify = conf->verify;

    s->origin = conf->origin;
    s->path = conf->path ? conf->path
              : strcmp(conf->start, "/") == 0 ? NULL : conf->start;
    s->schedule = &conf->turns;
    s->max_answer = 16777216;

    if (s->poll_max < s->poll_min) {
        s->poll_max = s->poll_min;
    }

    /* a request that waits in libcurl for a connection may time out there */

    dav_schedule_init(&conf->turns, bridge_base, conf->rate,
                      h->max_connections * 4);

    return 0;
}


void
bridge_config_dav_free(bridge_config_dav_t *conf)
{
    if (conf->origin) {
        dav_schedule_done(&conf->turns);
    }

    if (conf->server.http) {
        dav_http_free(conf->server.http);
    }

    free(conf->origin);
    free(conf->start);
}
