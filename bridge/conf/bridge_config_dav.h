
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The settings of a DAV server, and the connections and the schedule that its
 * accounts share.
 */


#ifndef _BRIDGE_CONFIG_DAV_H_INCLUDED_
#define _BRIDGE_CONFIG_DAV_H_INCLUDED_


#include "bridge_option.h"
#include "dav_client.h"


/* The group "dav" of a server. */

typedef struct {
    char             *url;
    char             *path;
    char             *master_user;
    char             *master_password;
    char             *master_header;
    int               verify;
    int               rate;

    char             *origin;           /* of the URL */
    char             *start;
    dav_http_conf_t   http_conf;
    dav_schedule_t    turns;
    dav_server_t      server;           /* its http: since the first use */
} bridge_config_dav_t;


/* Checks the settings that bridge_config.c has read.  Returns -1, with a line
   in the log, if they are wrong. */
int bridge_config_dav_check(bridge_config_dav_t *conf, config_setting_t *group,
    const char *file);
void bridge_config_dav_free(bridge_config_dav_t *conf);


#endif /* _BRIDGE_CONFIG_DAV_H_INCLUDED_ */
