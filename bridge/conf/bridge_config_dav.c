
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The settings of a DAV server, and the values that the client needs.
 */


#include "bridge_config_dav.h"
#include "dav_url.h"

#include <stdlib.h>


#define at(member)      offsetof(bridge_config_dav_t, member)

#define BRIDGE_HOUR  (3600 * 1000)

#define text(name, to)                                                        \
    { name, BRIDGE_OPTION_TEXT, at(to), NULL, 0, 0, NULL, NULL }
#define number(name, to, value, min, max)                                     \
    { name, BRIDGE_OPTION_NUMBER, at(to), value, min, max, NULL, NULL }
#define msec(name, to, value, min, max)                                       \
    { name, BRIDGE_OPTION_MSEC, at(to), value, min, max, NULL, NULL }


static void bridge_config_dav_server(bridge_config_dav_t *conf);


static const bridge_option_t  bridge_config_dav_options[] = {
    text("url", url),
    text("path", path),
    text("ca_file", http_conf.ca_file),
    text("master_user", master_user),
    { "master_password", BRIDGE_OPTION_SECRET, at(master_password), NULL,
      0, 0, NULL, NULL },
    { "master_password_file", BRIDGE_OPTION_SECRET_FILE, at(master_password),
      NULL, 0, 0, NULL, NULL },
    text("master_header", master_header),
    { "verify", BRIDGE_OPTION_FLAG, at(verify), "1", 0, 0, NULL, NULL },
    number("max_connections", http_conf.max_connections, "8", 1, 1000),
    number("max_requests", http_conf.max_waiting, "10000", 10, 1000000),
    number("max_collections", server.max_collections, "100", 1, 10000),
    number("max_known", server.max_known, "20000", 0, 1000000),
    number("max_object", server.max_object, "262144", 1024, 16777216),
    number("content", server.max_content, "0", 0, 16384),
    number("rate", rate, "100", 1, 10000),
    msec("connect_timeout", http_conf.connect, "10s", 100, BRIDGE_HOUR),
    msec("answer_timeout", http_conf.answer, "60s", 100, BRIDGE_HOUR),
    msec("poll_min", server.poll_min, "30s", 100, BRIDGE_HOUR),
    msec("poll_max", server.poll_max, "15m", 100, 24 * BRIDGE_HOUR),
    msec("poke_min", server.poke_min, "1s", 10, BRIDGE_HOUR),
    { NULL, BRIDGE_OPTION_TEXT, 0, NULL, 0, 0, NULL, NULL }
};


int
bridge_config_dav_read(bridge_config_dav_t *conf, config_setting_t *group,
    const char *file)
{
    bridge_option_init(bridge_config_dav_options, conf);

    if (bridge_option_read(bridge_config_dav_options, group, conf, file) != 0)
    {
        return -1;
    }

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

    bridge_config_dav_server(conf);

    return 0;
}


static void
bridge_config_dav_server(bridge_config_dav_t *conf)
{
    dav_server_t     *s = &conf->server;
    dav_http_conf_t  *h = &conf->http_conf;

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
    bridge_option_free(bridge_config_dav_options, conf);
}
