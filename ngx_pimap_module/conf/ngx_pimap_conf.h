
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the settings.  Called by nginx and read by all rooms.  Invariant: they
 * are written in the configuration phase only.
 */


#ifndef _NGX_PIMAP_CONF_H_INCLUDED_
#define _NGX_PIMAP_CONF_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_name.h"
#include "ngx_pimap_conf_redis.h"
#include "ngx_pimap_conf_value.h"


#define NGX_PIMAP_ACCOUNT_MAX       1024        /* bytes of a name */
#define NGX_PIMAP_DEVICE_MAX        1024
#define NGX_PIMAP_PING_MAX          1023        /* seconds */
#define NGX_PIMAP_UPDATES_MAX       1000        /* as in redis/pimap.lua */
#define NGX_PIMAP_LOG_LENGTH        1000        /* MAXLEN in redis/pimap.lua */
#define NGX_PIMAP_LOG_TTL           (7 * 86400) /* seconds, TTL there */
#define NGX_PIMAP_ZONE_MIN_SIZE     (256 * 1024)


/* What a location is, by the directive that stands in it. */
typedef enum {
    NGX_PIMAP_NO_ENDPOINT = 0,
    NGX_PIMAP_EVENTS,
    NGX_PIMAP_PUBLISH,
    NGX_PIMAP_UPDATE,
    NGX_PIMAP_STATUS,
    NGX_PIMAP_TICKET,
    NGX_PIMAP_ACCOUNTS
} ngx_pimap_endpoint_t;


/* The "post" of the directive. */
typedef struct {
    ngx_pimap_endpoint_t   endpoint;
    ngx_http_handler_pt    handler;
} ngx_pimap_conf_endpoint_t;


struct ngx_pimap_main_conf_s {
    ngx_pimap_conf_redis_t   redis;

    ngx_shm_zone_t          *zone;
    size_t                   zone_size;

    ngx_uint_t               max_devices;   /* 0: no limit */
    size_t                   max_event;     /* bytes of one event's JSON */
    size_t                   compress_memory;   /* bytes by device */
    ngx_msec_t               drain;

    ngx_uint_t               log_length;    /* events of an account */
    time_t                   log_ttl;       /* seconds */
    ngx_msec_t               gap_check;     /* 0: never */
    ngx_msec_t               coalesce;      /* 0: off */
    ngx_flag_t               presence;      /* is announced */

    ngx_uint_t               max_queued_updates;  /* updates that wait */
    ngx_uint_t               max_updates_per_account;   /* remembered */
    size_t                   max_update_bytes;  /* of these */

    ngx_array_t              events;        /* ngx_pimap_loc_conf_t * */
    ngx_array_t              tickets;       /* the same */
    ngx_array_t              sockets;       /* that servers listen on */
    ngx_pimap_loc_conf_t    *homeless;      /* of devices without another */

    ngx_uint_t               used;          /* a location needs Redis */
    ngx_uint_t               hibernate;     /* a location wants it */
    ngx_uint_t               tokens;        /* may be in a query */
};


struct ngx_pimap_loc_conf_s {
    ngx_pimap_name_conf_t    account;
    ngx_uint_t               account_keep;  /* the case of its letters */
    ngx_pimap_name_conf_t    device;
    ngx_uint_t               max_account_length;    /* bytes */
    ngx_uint_t               max_device_length;

    ngx_int_t                ping;          /* seconds, 0: none */
    ngx_int_t                ping_min;
    ngx_int_t                ping_max;
    ngx_msec_t               retry;

    ngx_msec_t               poll_wait;     /* of a poll, for its answer */
    ngx_msec_t               poll_wait_max;
    ngx_msec_t               poll_linger;   /* after its first event */

    ngx_uint_t               max_devices_per_account;   /* 0: no limit */
    ngx_uint_t               max_devices_per_ip;

    size_t                   max_body;      /* bytes of a request's body */

    ngx_flag_t               updates;       /* devices may send some */
    size_t                   max_update;    /* bytes of one */
    ngx_uint_t               max_updates;   /* of one request */
    ngx_uint_t               update_rate;   /* of a device, a second */
    time_t                   update_wait;   /* seconds, at most */

    ngx_array_t             *origins;       /* of ngx_str_t; NULL: the same */

    size_t                   buffer;        /* unsent bytes of one device */
    ngx_msec_t               send_timeout;
    ngx_uint_t               end_log_level; /* of a device's last line */

    ngx_pimap_name_conf_t    compress;
    ngx_flag_t               compress_dictionary;

    ngx_flag_t               detach;
    ngx_flag_t               hibernate;
    size_t                   tls_padding;   /* a block's bytes; 0: none */

    ngx_uint_t               login;         /* NGX_PIMAP_LOGIN_* */
    ngx_array_t             *token_keys;    /* of ngx_pimap_key_t, or NULL */
    ngx_str_t                token_issuer;
    ngx_str_t                token_audience;
    time_t                   token_leeway;
    ngx_str_t                token_claim;
    ngx_str_t                token_device_claim;
    ngx_str_t                token_types_claim;
    ngx_str_t                token_updates_claim;
    ngx_array_t             *ticket_keys;   /* NULL: the zone's */
    time_t                   ticket_time;
    ngx_str_t                ticket_updates;    /* that its tickets allow */
    ngx_array_t             *signature_keys;    /* of publishers, or NULL */

    ngx_log_t               *log;           /* "error_log" */
    ngx_pimap_endpoint_t     endpoint;
    ngx_http_handler_pt      handler;       /* of the endpoint */

    ngx_str_t                path;          /* it and the ones around it */
    ngx_str_t                key;           /* of one with "pimap_events" */
    ngx_str_t                old_key;       /* the key in older workers */
    ngx_str_t                rules;         /* ngx_pimap_conf_rules.h */
    ngx_str_t                origin_rules;  /* of those that may send */
    ngx_http_core_srv_conf_t  *server;
    ngx_str_t                file;
    ngx_uint_t               line;
    unsigned                 location:1;    /* not "server", nor "if" */
    unsigned                 caseless:1;    /* its regular expression is */
    unsigned                 any_origin:1;  /* "*" is among the origins */
    unsigned                 login_warned:1;    /* of no login */
    unsigned                 batch:1;       /* lines may name accounts */
};


void *ngx_pimap_create_main_conf(ngx_conf_t *cf);
char *ngx_pimap_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_pimap_create_loc_conf(ngx_conf_t *cf);
char *ngx_pimap_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);

/* Warns of settings that contradict those of nginx outside of "http". */
void ngx_pimap_conf_check_cycle(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf);

/* True if the server is one of these, ngx_http_core_srv_conf_t *. */
ngx_uint_t ngx_pimap_conf_serves(ngx_array_t *servers,
    ngx_http_core_srv_conf_t *server);

/* The address with this number at which the server listens, or NULL. */
ngx_http_conf_addr_t *ngx_pimap_conf_address(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *server, ngx_uint_t n);

/* True if the server listens on an address that other hosts can reach. */
ngx_uint_t ngx_pimap_conf_public(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *server);

/* The settings of devices whose location is gone: NGX_OK or NGX_ERROR. */
ngx_int_t ngx_pimap_conf_homeless(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf);

/* setters of the command table */
char *ngx_pimap_conf_switch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_pimap_conf_ping(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_pimap_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Reads a file of "size" bytes at most, and makes its name absolute.  Returns
 * the number of bytes, or NGX_ERROR after it has logged the error.
 */
ssize_t ngx_pimap_conf_file(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *text,
    size_t size);


#endif /* _NGX_PIMAP_CONF_H_INCLUDED_ */
