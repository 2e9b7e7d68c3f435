
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Contacts and calendars of an account, beside its IMAP session: they are
 * watched as long as that one is open, by the same lease.
 */


#ifndef _BRIDGE_DAV_H_INCLUDED_
#define _BRIDGE_DAV_H_INCLUDED_


#include "bridge_account.h"
#include "bridge_option.h"
#include "dav_client.h"


typedef struct bridge_session_dav_s  bridge_session_dav_t;

/* Settings of a server, the group "dav". */

typedef struct bridge_config_dav_s {
    char                 *url;
    char                 *path;
    char                 *ca_file;
    char                 *master_user;
    char                 *master_password;
    char                 *master_header;
    int                   verify;
    int                   max_connections;
    int                   max_requests;
    int                   max_collections;
    int                   max_known;
    int                   max_object;
    int                   content;
    int                   rate;
    bridge_msec_t         connect;
    bridge_msec_t         answer;
    bridge_msec_t         poll_min;
    bridge_msec_t         poll_max;
    bridge_msec_t         poke_min;

    char                 *origin;       /* of the URL */
    char                 *start;
    dav_http_conf_t       http_conf;
    dav_schedule_t            turns;
    dav_server_t          server;       /* its http: since the first use */
} bridge_config_dav_t;


/* Returns -1, with a line in the log, if that is no DAV server. */
int bridge_config_dav_read(bridge_config_dav_t *conf, config_setting_t *group,
    const char *file);
void bridge_config_dav_free(bridge_config_dav_t *conf);

/* The account's session begins, and ends; the states are borrowed. */
void bridge_session_dav_open(bridge_account_t *account, json_t *states);
void bridge_session_dav_close(bridge_account_t *account);

/* Something has changed on the server, says somebody who knows. */
void bridge_session_dav_poke(const char *account, size_t len);

/* True if the update is one of ours. */
int bridge_session_dav_is(json_t *update);
void bridge_session_dav_update(bridge_account_t *account, json_t *update,
    dav_update_done_pt done, void *ctx);


#endif /* _BRIDGE_DAV_H_INCLUDED_ */
