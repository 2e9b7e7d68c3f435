
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the checks of settings that are well written, and could not work.
 * Called by bridge_config.c.  Invariant: an error shows nothing of a value
 * that may have a password in it.
 */


#include "bridge_config.h"


static int bridge_config_local(const char *host);


/* A scheme, a login or a port stands there by mistake. */

int
bridge_config_host_check(config_setting_t *group, const char *file,
    const char *host)
{
    const char  *colon;

    colon = strchr(host, ':');

    if (*host && strpbrk(host, "/@ \t") == NULL
        && (colon == NULL || strchr(colon + 1, ':')))
    {
        return 0;
    }

    bridge_option_error(group, file, "\"host\" must be a name or an address "
                        "and nothing else, \"port\" has the port");
    return -1;
}


/* The bridge refuses what nginx refuses in "pimap_redis". */

int
bridge_config_redis_check(bridge_config_t *config, config_setting_t *root)
{
    const char           *prefix;
    config_setting_t     *group, *setting;
    bridge_redis_conf_t  *redis;

    redis = &config->redis;
    prefix = redis->prefix;
    group = config_setting_get_member(root, "redis");

    if (group == NULL) {
        return 0;
    }

    if (*prefix == '\0' || strlen(prefix) > 64 || strpbrk(prefix, "{} \t*?["))
    {
        setting = config_setting_get_member(group, "prefix");
        bridge_option_error(setting, config->file,
                            "\"prefix\" of redis is not a name of 1 to 64 "
                            "bytes without spaces and {}*?[");
        return -1;
    }

    if (redis->user && redis->password == NULL) {
        bridge_option_error(group, config->file, "\"user\" of redis needs "
                            "\"password\" or \"password_file\"");
        return -1;
    }

    if (redis->host[0] == '/') {
        redis->port = 0;
        return 0;
    }

    return bridge_config_host_check(group, config->file, redis->host);
}


int
bridge_config_lease_check(bridge_config_t *config, config_setting_t *root)
{
    const char  *id;

    id = config->lease.id;

    if (id == NULL || (*id && strpbrk(id, " \t\r\n") == NULL)) {
        return 0;
    }

    bridge_option_error(config_setting_get_member(root, "lease"),
                        config->file, "\"id\" of lease must be a name "
                        "without spaces");
    return -1;
}


/* Servers are asked in order. */

int
bridge_config_order_check(bridge_config_t *config, config_setting_t *list)
{
    int               i;
    bridge_server_t  *server;

    i = 1;

    for (server = config->servers; server->next; server = server->next) {

        if (strcmp(server->match, "*") == 0) {
            bridge_option_error(config_setting_get_elem(list, i),
                                config->file, "the server is never asked, "
                                "because one before it has every account: "
                                "give that one a \"match\", or let it be the "
                                "last one");
            return -1;
        }

        i++;
    }

    return 0;
}


void
bridge_config_clear_check(bridge_server_t *server, config_setting_t *setting)
{
    if (server->imap.tls != IMAP_TLS_NONE
        || bridge_config_local(server->imap.host))
    {
        return;
    }

    bridge_log(BRIDGE_LOG_WARN, "passwords go in clear to \"%s\", because "
               "\"tls\" is \"off\", in %s:%u", server->imap.host,
               server->config->file, config_setting_source_line(setting));
}


static int
bridge_config_local(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0
           || strcmp(host, "::1") == 0;
}
