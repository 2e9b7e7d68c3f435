
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


SSL_CTX *
bridge_config_ssl(config_setting_t *setting, const char *file, int verify,
    const char *ca_file)
{
    SSL_CTX  *ssl;

    ssl = bridge_tls_client(verify, ca_file);

    if (ssl == NULL) {
        bridge_option_error(setting, file, "cannot use \"ca_file\" \"%s\": no "
                            "certificates", ca_file ? ca_file : "");
    }

    return ssl;
}
