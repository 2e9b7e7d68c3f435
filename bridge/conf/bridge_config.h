
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the settings of the file.  Invariant: they do not change once they are
 * read.  Code that uses settings after a HUP may have come holds them.
 */


#ifndef _BRIDGE_CONFIG_H_INCLUDED_
#define _BRIDGE_CONFIG_H_INCLUDED_


#include "bridge_address.h"
#include "bridge_config_redis.h"
#include "bridge_option.h"
#include "dav_client.h"
#include "imap_client.h"


#define BRIDGE_ACCOUNT_MAX    1024      /* bytes of an account's name */
#define BRIDGE_MAX_NETWORKS   32        /* of hosts with nginx */


typedef struct bridge_config_s  bridge_config_t;
typedef struct bridge_server_s  bridge_server_t;


/* The group "dav" of a server, and the connections and the schedule that its
   accounts share. */

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


/* A failure of a server that is in the log, see bridge_trouble.c. */

#define BRIDGE_TROUBLES  8

typedef struct {
    uint32_t          hash;             /* of the text */
    bridge_msec_t     at;               /* 0: none */
    int               over;             /* a login has succeeded since */
} bridge_trouble_t;


/* An IMAP server. */
struct bridge_server_s {
    bridge_server_t      *next;
    bridge_config_t      *config;       /* that it belongs to */

    char                 *name;
    char                 *match;        /* of accounts, as in a shell */
    int                   port;         /* 0: the usual one */
    int                   verify;
    char                 *ca_file;      /* NULL: those of the system */

    char                 *master_user;
    char                 *master_password;
    char                 *master_separator; /* NULL: by SASL's authzid */

    int                   max_connections;
    int                   client_address;   /* the server gets it */
    int                   mail;         /* its events are published */
    int                   jmap;         /* and as StateChange objects */
    int                   preview;
    int                   notify;
    int                   idle;
    int                   qresync;
    int                   condstore;

    bridge_trouble_t      troubles[BRIDGE_TROUBLES];
    unsigned              ntroubles;

    imap_server_t         imap;
    bridge_config_dav_t   dav;          /* without a url: none */
};


typedef struct {
    bridge_msec_t        cache;         /* how long a good login is good */
    bridge_msec_t        failed;        /* how long a bad one is bad */
    bridge_msec_t        delay;         /* of the answer to a bad one */
    bridge_msec_t        timeout;
    int                  max_cached;
    int                  max_waiting;   /* requests without an answer */
    int                  lowercase;
    int                  max_failures;  /* of an address; 0: no limit */
    int                  max_account_failures;
    bridge_msec_t        failures_time;
    bridge_msec_t        known_time;    /* of an account's address */
    char                *trusted;       /* text of the next one */
    bridge_network_t     networks[BRIDGE_MAX_NETWORKS];
    int                  nnetworks;
} bridge_auth_conf_t;


typedef struct {
    int                  on;            /* else something else publishes */
    bridge_msec_t        linger;        /* after the last device */
    bridge_msec_t        presence;      /* between two queries for devices */
    bridge_msec_t        backoff_min;
    bridge_msec_t        backoff_max;
    int                  connect_rate;  /* a second, for all servers */
    int                  max_accounts;
} bridge_session_conf_t;


typedef struct {
    char                *id;            /* of this bridge */
    bridge_msec_t        time;
    int                  rebalance;     /* accounts a second */
} bridge_lease_conf_t;


typedef struct {
    int                  on;
    char                *group;
    int                  max_waiting;
    int                  max_result;    /* bytes, of the event's JSON */
    bridge_msec_t        timeout;
} bridge_updates_conf_t;


struct bridge_config_s {
    unsigned              refs;
    char                 *file;

    char                 *log;
    int                   log_level;
    char                 *listen;
    char                 *listen_host;
    int                   listen_port;  /* 0: a socket */

    bridge_redis_conf_t   redis;
    bridge_auth_conf_t    auth;
    bridge_session_conf_t sessions;
    bridge_lease_conf_t   lease;
    bridge_updates_conf_t updates;
    bridge_server_t      *servers;
};


/* The settings in force; a HUP replaces them. */
extern bridge_config_t  *bridge_config;


/*
 * Returns NULL, with a line in the log, if the file has an error.  "id" is the
 * name of this bridge, which is written into leases; NULL at the start.
 */
bridge_config_t *bridge_config_read(const char *file, const char *id);

bridge_config_t *bridge_config_hold(bridge_config_t *config);
void bridge_config_release(bridge_config_t *config);

/*
 * The first server whose "match" fits; NULL if none does.  Nothing but the
 * account's name decides, so that no login at another server opens it.
 */
bridge_server_t *bridge_config_server(bridge_config_t *config,
    const char *account);

/* bridge_config_http.c; -1: the HTTP port's settings are wrong. */
int bridge_config_http_check(bridge_config_t *config, config_setting_t *root);

/* bridge_config_redis.c; bridge_config_check.c: NULL if the file is bad. */
int bridge_config_redis(bridge_config_t *config, config_setting_t *root);
SSL_CTX *bridge_config_ssl(config_setting_t *setting, const char *file,
    int verify, const char *ca_file);

/* bridge_config_check.c: return -1, with a line in the log, if a setting could
   not work.  The last one warns only. */
int bridge_config_host_check(config_setting_t *group, const char *file,
    const char *host);
int bridge_config_lease_check(bridge_config_t *config, config_setting_t *root);
int bridge_config_order_check(bridge_config_t *config, config_setting_t *list);
void bridge_config_clear_check(bridge_server_t *server,
    config_setting_t *setting);

/* bridge_config_dav.c; -1: the settings of a DAV server are wrong. */
int bridge_config_dav_check(bridge_config_dav_t *conf, config_setting_t *group,
    const char *file);
void bridge_config_dav_free(bridge_config_dav_t *conf);


#endif /* _BRIDGE_CONFIG_H_INCLUDED_ */
