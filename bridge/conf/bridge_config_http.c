
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The checks of the HTTP port's settings, and the values that follow from
 * them.
 */


#include "bridge_config.h"

#include <stdlib.h>


static int bridge_config_listen(bridge_config_t *config,
    config_setting_t *root);


int
bridge_config_http_check(bridge_config_t *config, config_setting_t *root)
{
    bridge_auth_conf_t  *auth;

    auth = &config->auth;
    auth->nnetworks = bridge_networks_read(auth->networks,
                                           BRIDGE_MAX_NETWORKS,
                                           auth->trusted);
    if (auth->nnetworks == -1) {
        bridge_option_error(config_setting_get_member(root, "auth"),
                            config->file, "\"trusted\" is no list of up to "
                            "%d addresses or networks", BRIDGE_MAX_NETWORKS);
        return -1;
    }

    return bridge_config_listen(config, root);
}


/* host:port, [address]:port, or unix:path */

static int
bridge_config_listen(bridge_config_t *config, config_setting_t *root)
{
    char  *colon, *host;
    long   port;

    if (strncmp(config->listen, "unix:/", 6) == 0) {
        config->listen_host = bridge_string(config->listen + 5);
        return 0;
    }

    host = bridge_string(config->listen);
    config->listen_host = host;

    colon = strrchr(host, ':');

    if (colon && colon != host) {
        port = strtol(colon + 1, NULL, 10);
        *colon = '\0';

        if (host[0] == '[' && colon[-1] == ']') {
            colon[-1] = '\0';
            memmove(host, host + 1, strlen(host));
        }

        if (port > 0 && port < 65536) {
            config->listen_port = port;
            return 0;
        }
    }

    bridge_option_error(config_setting_get_member(root, "listen"),
                        config->file,
                        "\"listen\" is neither address:port nor unix:path");
    return -1;
}
